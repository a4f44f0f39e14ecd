#!/bin/sh
# Verifies every signature of documents with the xmlsec1 program: verify.sh FILE…
# One line a signature: file, Id, ok | bad, reason. The key is that of the signature's first certificate.
set -u
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "$@"; do
  ids=$(sh "$here/ids.sh" "$file" 2>/dev/null) || { printf '%s\t\tbad\tnot well-formed\n' "$file"; continue; }
  python3 - "$file" "$work" > "$work/list" <<'PY'
import sys, base64, xml.etree.ElementTree as tree
ds = "{http://www.w3.org/2000/09/xmldsig#}"
for one in tree.parse(sys.argv[1]).iter(ds + "Signature"):
    name = one.get("Id")
    first = next(one.iter(ds + "X509Certificate")).text
    with open(f"{sys.argv[2]}/{name}.pem", "wb") as out:
        body = base64.encodebytes(base64.b64decode(first))
        out.write(b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n")
    print(name)
PY
  while read -r sig; do
    # shellcheck disable=SC2086 # several options
    if xmlsec1 --verify $ids --pubkey-cert-pem "$work/$sig.pem" --enabled-key-data key-name \
        --node-xpath "//*[local-name()='Signature' and @Id='$sig']" "$file" > "$work/out" 2>&1; then
      printf '%s\t%s\tok\n' "$file" "$sig"
    else
      printf '%s\t%s\tbad\t%s\n' "$file" "$sig" "$(tr '\n\t' '  ' < "$work/out" | cut -c1-200)"
    fi
  done < "$work/list"
done
