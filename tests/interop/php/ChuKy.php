<?php // Ký học bạ bằng DOM và openssl của PHP, không cần thư viện nào khác / signs with PHP's own DOM and openssl, nothing else.
declare(strict_types=1);

final class ChuKy
{
    const DS = 'http://www.w3.org/2000/09/xmldsig#';
    const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
    const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';

    /**
     * Ký một ô: $box là phần tử Cks đã nằm trong tài liệu / signs one slot: $box is the Cks element, in the document already.
     * @param list<string> $uris  '#content', …   @param list<string> $chain PEM, CA cấp phát / issuing authorities
     */
    public static function sign(DOMElement $box, string $id, array $uris, OpenSSLAsymmetricKey $key, string $certificate,
        array $chain, DateTimeInterface $at): void
    {
        // 1. Khung chữ ký viết thành văn bản rồi phân tích ngay tại chỗ của nó / the frame as text, parsed where it is to stand.
        $references = array_map(fn ($uri) => self::reference($uri), $uris);
        $references[] = self::reference("#$id-props", ' Type="http://uri.etsi.org/01903#SignedProperties"');
        $certificates = array_map(fn ($pem) => '<ds:X509Certificate>' . self::base64OfPem($pem) . '</ds:X509Certificate>',
            [$certificate, ...$chain]);                       // người ký đứng đầu / the signer's first
        $ec = openssl_pkey_get_details($key)['type'] === OPENSSL_KEYTYPE_EC;
        $frame = $box->ownerDocument->createDocumentFragment();
        $frame->appendXML('<ds:Signature xmlns:ds="' . self::DS . '" Id="' . $id . '"><ds:SignedInfo>'
            . '<ds:CanonicalizationMethod Algorithm="' . self::EXCLUSIVE . '"/>'
            . '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#' . ($ec ? 'ecdsa' : 'rsa') . '-sha256"/>'
            . implode('', $references) . '</ds:SignedInfo><ds:SignatureValue/>'
            . '<ds:KeyInfo><ds:X509Data>' . implode('', $certificates) . '</ds:X509Data></ds:KeyInfo>'
            . '<ds:Object>' . self::properties($id, $certificate, $at) . '</ds:Object></ds:Signature>');
        $signature = $box->appendChild($frame);

        // 2. Băm từng phần, tại chỗ / digest each part where it stands. hash(…, true): byte, không phải chữ hex / octets, not hex.
        foreach ($signature->getElementsByTagNameNS(self::DS, 'Reference') as $one) {
            $part = self::byId($box->ownerDocument, substr($one->getAttribute('URI'), 1));
            $digest = base64_encode(hash('sha256', $part->C14N(true), true));   // true: exclusive
            $one->getElementsByTagNameNS(self::DS, 'DigestValue')[0]->textContent = $digest;
        }

        // 3. Ký dạng chuẩn tắc của SignedInfo / sign SignedInfo's canonical form. Thiếu tham số cuối là SHA-1 / without the last argument: SHA-1.
        $info = $signature->getElementsByTagNameNS(self::DS, 'SignedInfo')[0];
        openssl_sign($info->C14N(true), $value, $key, OPENSSL_ALGO_SHA256) || throw new RuntimeException(openssl_error_string());
        if ($ec) {
            $value = self::rs($value, intdiv(openssl_pkey_get_details($key)['bits'] + 7, 8));
        }
        $signature->getElementsByTagNameNS(self::DS, 'SignatureValue')[0]->textContent = base64_encode($value);
    }

    private static function reference(string $uri, string $type = ''): string
    {
        return '<ds:Reference URI="' . $uri . '"' . $type . '><ds:Transforms><ds:Transform Algorithm="' . self::EXCLUSIVE
            . '"/></ds:Transforms><ds:DigestMethod Algorithm="' . self::SHA256 . '"/><ds:DigestValue/></ds:Reference>';
    }

    private static function properties(string $id, string $certificate, DateTimeInterface $at): string
    {
        return '<xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#' . $id . '">'
            . '<xades:SignedProperties Id="' . $id . '-props"><xades:SignedSignatureProperties>'
            . '<xades:SigningTime>' . $at->format(DATE_ATOM) . '</xades:SigningTime>'
            . '<xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="' . self::SHA256 . '"/>'
            . '<ds:DigestValue>' . base64_encode(hash('sha256', base64_decode(self::base64OfPem($certificate)), true))
            . '</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>'
            . '</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties>';
    }

    /** Không DTD thì getElementById không thấy gì: hỏi bằng XPath / without a DTD getElementById finds nothing: ask XPath. */
    public static function byId(DOMDocument $document, string $id): DOMElement
    {
        $found = (new DOMXPath($document))->query('//*[@Id="' . $id . '"]');
        return $found->length === 1 ? $found[0] : throw new RuntimeException("Id $id: {$found->length}");
    }

    public static function base64OfPem(string $pem): string
    {
        return preg_replace('/-----[^-]+-----|\s/', '', $pem);
    }

    /** openssl_sign cho ECDSA dạng DER; XML-DSig cần r ‖ s / gives DER for ECDSA; XML-DSig wants r ‖ s. */
    private static function rs(string $der, int $size): string
    {
        $at = ord($der[1]) < 0x80 ? 2 : 2 + (ord($der[1]) & 0x7f);
        $both = '';
        for ($number = 0; $number < 2; $number++) {
            $length = ord($der[$at + 1]);
            $both .= str_pad(ltrim(substr($der, $at + 2, $length), "\0"), $size, "\0", STR_PAD_LEFT);
            $at += 2 + $length;
        }
        return $both;
    }
}
