"use strict";
// Signs and verifies transcripts with xadesjs (XAdES on WebCrypto).
//   node xadesjs.js sign portable IN PLAN OUT
//   node xadesjs.js verify FILE…
const fs = require("fs");
const { webcrypto, createPrivateKey } = require("crypto");
const xmldom = require("@xmldom/xmldom");
const xpath = require("xpath");
const { setNodeDependencies } = require("xml-core");
const xadesjs = require("xadesjs");
const { certificates, insert, parse, pem, plan, verifyAll } = require("./common.js");

setNodeDependencies({
  DOMParser: xmldom.DOMParser,
  XMLSerializer: xmldom.XMLSerializer,
  DOMImplementation: xmldom.DOMImplementation,
  xpath,
});
xadesjs.Application.setEngine("NodeJS", webcrypto);

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

async function sign(style, from, planFile, to) {
  const { wire, signatures } = plan(planFile);
  let text = fs.readFileSync(from, "utf8");
  for (const one of signatures) {
    const der = createPrivateKey(pem(`${one.key}.key.pem`)).export({ format: "der", type: "pkcs8" });
    const key = await webcrypto.subtle.importKey("pkcs8", der, RSA, false, ["sign"]);
    const [leaf] = certificates(`${one.key}.cert.pem`);
    const signed = new xadesjs.SignedXml();
    // the constructor has drawn an Id already: the option `id` alone would leave Target pointing to nothing
    signed.XmlSignature.Id = one.id;
    signed.Properties.Target = `#${one.id}`;
    signed.SignedProperties.Id = `${one.id}-props`;
    await signed.Sign(RSA, key, parse(text), {
      references: one.uris.map((uri) => ({ uri, hash: "SHA-256", transforms: ["exc-c14n"] })),
      x509: [leaf, ...certificates(`${one.key}.chain.pem`)],
      signingCertificateV2: leaf,
      signingTime: { value: new Date(one.time) },
    });
    text = insert(text, wire, one, signed.toString());
  }
  fs.writeFileSync(to, text);
}

async function judge(document, node) {
  const signed = new xadesjs.SignedXml(document);
  signed.LoadXml(node);
  // without a key xadesjs imports every certificate as a key of the leaf's kind, and stops at an EC authority
  const x509 = Array.from(signed.XmlSignature.KeyInfo.GetIterator()).find((one) => one.Certificates);
  return signed.Verify(await x509.Certificates[0].exportKey(signed.Algorithm));
}

const [command, ...rest] = process.argv.slice(2);
(command === "sign" ? sign(...rest) : verifyAll(rest, judge)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
