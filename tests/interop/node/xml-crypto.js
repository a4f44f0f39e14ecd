"use strict";
// Signs and verifies transcripts with xml-crypto.
//   node xml-crypto.js sign invoice|portable IN PLAN OUT
//   node xml-crypto.js verify FILE…
const fs = require("fs");
const { X509Certificate } = require("crypto");
const { SignedXml } = require("xml-crypto");
const { DS, certificates, insert, pem, plan, verifyAll } = require("./common.js");

const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

function sign(style, from, planFile, to) {
  const portable = style === "portable";
  const c14n = portable ? EXCLUSIVE : INCLUSIVE;
  const { wire, signatures } = plan(planFile);
  let text = fs.readFileSync(from, "utf8");
  for (const one of signatures) {
    text = insert(text, wire, one, "");
    const p = portable ? "ds:" : "";
    const time =
      `<${p}SignatureProperties><${p}SignatureProperty Target="#${one.id}">` +
      `<SigningTime xmlns="http://example.org/#signatureProperties">${one.time}</SigningTime>` +
      `</${p}SignatureProperty></${p}SignatureProperties>`;
    const signed = new SignedXml({
      privateKey: pem(`${one.key}.key.pem`),
      canonicalizationAlgorithm: c14n,
      signatureAlgorithm: RSA_SHA256,
      objects: [{ content: time, attributes: { Id: `${one.id}-time` } }],
      getKeyInfoContent: () => keyInfo(one, portable),
    });
    for (const uri of [...one.uris, `#${one.id}-time`]) {
      signed.addReference({ xpath: `//*[@${wire.id}='${uri.slice(1)}']`, transforms: [c14n], digestAlgorithm: SHA256 });
    }
    signed.computeSignature(text, {
      prefix: portable ? "ds" : "",
      attrs: { Id: one.id },
      location: { reference: `//*[@${wire.id}='${one.boxId}']`, action: "append" },
    });
    text = signed.getSignedXml();
  }
  fs.writeFileSync(to, text);
}

function keyInfo(one, portable) {
  const leaf = pem(`${one.key}.cert.pem`);
  const p = portable ? "ds:" : "";
  const listed = [...certificates(`${one.key}.cert.pem`), ...(portable ? certificates(`${one.key}.chain.pem`) : [])];
  const tags = listed.map((each) => `<${p}X509Certificate>${each}</${p}X509Certificate>`).join("");
  if (portable) {
    return `<ds:X509Data>${tags}</ds:X509Data>`;
  }
  const { n, e } = new X509Certificate(leaf).publicKey.export({ format: "jwk" });
  const base64 = (text) => Buffer.from(text, "base64url").toString("base64");
  return (
    `<KeyValue><RSAKeyValue><Modulus>${base64(n)}</Modulus><Exponent>${base64(e)}</Exponent></RSAKeyValue></KeyValue>` +
    `<X509Data>${tags}</X509Data>`
  );
}

function judge(document, node, text) {
  const leaf = node.getElementsByTagNameNS(DS, "X509Certificate")[0].textContent.replace(/\s/g, "");
  const signed = new SignedXml({
    publicCert: `-----BEGIN CERTIFICATE-----\n${leaf.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`,
    getCertFromKeyInfo: () => null, // the key is chosen by the caller, never taken from what is verified
  });
  signed.loadSignature(node);
  return signed.checkSignature(text);
}

const [command, ...rest] = process.argv.slice(2);
if (command === "sign") {
  sign(...rest);
} else {
  verifyAll(rest, judge);
}
