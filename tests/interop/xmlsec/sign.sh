#!/bin/sh
# Signs a transcript with the xmlsec1 program: sign.sh invoice|portable IN PLAN OUT
# A template without digests and value goes into its slot as text; xmlsec1 fills it in. The plan: see ../README.md.
set -eu
style=$1 from=$2 plan=$3 to=$4
here=$(dirname "$0")
tab=$(printf '\t')
ds=http://www.w3.org/2000/09/xmldsig#
sha256=http://www.w3.org/2001/04/xmlenc#sha256
if [ "$style" = portable ]; then
  p=ds: declared="xmlns:ds=\"$ds\"" c14n=http://www.w3.org/2001/10/xml-exc-c14n#
else
  p='' declared="xmlns=\"$ds\"" c14n=http://www.w3.org/TR/2001/REC-xml-c14n-20010315
fi

reference() { # URI [attributes]
  printf '<%sReference URI="%s"%s><%sTransforms><%sTransform Algorithm="%s"/></%sTransforms><%sDigestMethod Algorithm="%s"/><%sDigestValue/></%sReference>' \
    "$p" "$1" "${2:-}" "$p" "$p" "$c14n" "$p" "$p" "$sha256" "$p" "$p"
}

template() { # id time key uris
  printf '<%sSignature %s Id="%s"><%sSignedInfo><%sCanonicalizationMethod Algorithm="%s"/>' "$p" "$declared" "$1" "$p" "$p" "$c14n"
  printf '<%sSignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>' "$p"
  for uri in $4; do reference "$uri"; done
  if [ "$style" = portable ]; then
    reference "#$1-props" ' Type="http://uri.etsi.org/01903#SignedProperties"'
  else
    reference "#$1-time"
  fi
  printf '</%sSignedInfo><%sSignatureValue/><%sKeyInfo>' "$p" "$p" "$p"
  if [ "$style" = portable ]; then
    printf '<ds:X509Data><ds:X509Certificate/></ds:X509Data>' # of the whole chain
  else
    # written here: an empty X509SubjectName beside X509Certificate stays empty, and the JDK stumbles over it
    subject=$(openssl x509 -in "$3.cert.pem" -noout -subject -nameopt RFC2253,-esc_msb,utf8 | sed 's/^subject= *//')
    printf '<KeyValue/><X509Data><X509SubjectName>%s</X509SubjectName><X509Certificate/></X509Data>' "$subject"
  fi
  printf '</%sKeyInfo>' "$p"
  if [ "$style" = portable ]; then
    digest=$(openssl x509 -in "$3.cert.pem" -outform DER | openssl dgst -sha256 -binary | openssl base64 -A)
    printf '<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#%s"><xades:SignedProperties Id="%s-props"><xades:SignedSignatureProperties><xades:SigningTime>%s</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="%s"/><ds:DigestValue>%s</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>' \
      "$1" "$1" "$2" "$sha256" "$digest"
  else
    printf '<Object Id="%s-time"><SignatureProperties><SignatureProperty Target="#%s"><SigningTime xmlns="http://example.org/#signatureProperties">%s</SigningTime></SignatureProperty></SignatureProperties></Object>' "$1" "$1" "$2"
  fi
  printf '</%sSignature>' "$p"
}

cp "$from" "$to"
head -n 1 "$plan" | tr "$tab" '\n' > "$to.names"
{ read -r _; read -r box; read -r id; read -r role; } < "$to.names"
rm "$to.names"
tail -n +2 "$plan" | while IFS="$tab" read -r slot boxid rolevalue sig time key uris; do
  # the slot's start tag: opened if it is empty, and the box goes before its end tag
  made="<$box $id=\"$boxid\" $role=\"$rolevalue\">$(template "$sig" "$time" "$key" "$uris" | sed 's/[\\&|]/\\&/g')</$box>"
  name=$(grep -o "<[A-Za-z]*[^<>]* $id=\"$slot\"" "$to" | sed 's/^<\([A-Za-z]*\).*/\1/')
  sed -e "s|\(<$name[^<>]* $id=\"$slot\"[^<>]*\)/>|\1></$name>|" -e "s|</$name>|$made</$name>|" "$to" > "$to.template"
  # shellcheck disable=SC2046 # several options
  xmlsec1 --sign $(sh "$here/ids.sh" "$to.template") --privkey-pem "$key.key.pem,$key.cert.pem,$key.chain.pem" \
    --node-xpath "//*[local-name()='Signature' and @Id='$sig']" --output "$to" "$to.template"
done
rm -f "$to.template"
