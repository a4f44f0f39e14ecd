"use strict";
// What both Node signers share: the plan (see ../README.md), parsing, the place of a signature.
const fs = require("fs");
const { DOMParser } = require("@xmldom/xmldom");

const DS = "http://www.w3.org/2000/09/xmldsig#";

function parse(text) {
  const onError = (level, message) => {
    throw new Error(message);
  };
  return new DOMParser({ onError }).parseFromString(text, "text/xml");
}

function plan(path) {
  const [names, ...lines] = fs.readFileSync(path, "utf8").trimEnd().split("\n").map((line) => line.split("\t"));
  const [namespace, box, id, role] = names;
  return {
    wire: { namespace, box, id, role },
    signatures: lines.map(([slot, boxId, roleValue, sig, time, key, uris]) => ({
      slot, boxId, role: roleValue, id: sig, time, key, uris: uris.split(" "),
    })),
  };
}

/** The document's text with `inside` (text) at the end of the slot: text is inserted, the rest keeps its bytes. */
function insert(text, wire, one, inside) {
  const start = new RegExp(`<([\\w:]+)(?=[^<>]* ${wire.id}="${one.slot}")[^<>]*>`).exec(text);
  const made = `<${wire.box} ${wire.id}="${one.boxId}" ${wire.role}="${one.role}">${inside}</${wire.box}>`;
  const end = start.index + start[0].length;
  if (start[0].endsWith("/>")) {
    return `${text.slice(0, end - 2)}>${made}</${start[1]}>${text.slice(end)}`;
  }
  const close = text.indexOf(`</${start[1]}>`, end);
  return text.slice(0, close) + made + text.slice(close);
}

function pem(path) {
  return fs.readFileSync(path, "utf8");
}

/** Certificates of a PEM file as base64 on one line. */
function certificates(path) {
  return [...pem(path).matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map((one) => one[1].replace(/\s/g, ""));
}

/** Calls `judge(document, node, text)` for every signature and prints one line each: file, Id, ok | bad, reason. */
async function verifyAll(files, judge) {
  for (const file of files) {
    let document;
    let text;
    try {
      text = fs.readFileSync(file, "utf8");
      document = parse(text);
    } catch (error) {
      console.log(`${file}\t\tbad\t${String(error.message).replace(/\s+/g, " ")}`);
      continue;
    }
    for (const node of Array.from(document.getElementsByTagNameNS(DS, "Signature"))) {
      let verdict;
      try {
        verdict = (await judge(document, node, text)) ? "ok" : "bad\tdoes not verify";
      } catch (error) {
        verdict = `bad\t${String(error.message).replace(/\s+/g, " ")}`;
      }
      console.log(`${file}\t${node.getAttribute("Id")}\t${verdict}`);
    }
  }
}

module.exports = { DS, certificates, insert, parse, pem, plan, verifyAll };
