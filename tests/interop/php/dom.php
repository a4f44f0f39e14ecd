<?php // Signs and verifies transcripts with PHP's DOM and openssl: php dom.php sign invoice|portable IN PLAN OUT, php dom.php verify FILE…
declare(strict_types=1);
require __DIR__ . '/common.php';
require __DIR__ . '/ChuKy.php';

// As much PHP of the field does it: inclusive C14N, no prefix, elements made one by one, the time as a property.
function invoice(DOMElement $box, Plan $plan): void
{
    $document = $box->ownerDocument;
    $make = function (DOMNode $at, string $name, string $text = '', array $attributes = []) use ($document): DOMElement {
        $made = $at->appendChild($document->createElementNS(ChuKy::DS, $name));
        $made->textContent = $text;
        foreach ($attributes as $attribute => $value) {
            $made->setAttribute($attribute, $value);
        }
        return $made;
    };
    $inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
    $signature = $make($box, 'Signature', '', ['Id' => $plan->id]);
    $info = $make($signature, 'SignedInfo');
    $make($info, 'CanonicalizationMethod', '', ['Algorithm' => $inclusive]);
    $make($info, 'SignatureMethod', '', ['Algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256']);
    $value = $make($signature, 'SignatureValue');
    $data = $make($make($signature, 'KeyInfo'), 'X509Data');
    $name = openssl_x509_parse($plan->certificate)['subject'];
    $make($data, 'X509SubjectName', implode(',', array_map(
        fn ($key, $text) => "$key=" . addcslashes(implode('+', (array) $text), ',+"\\<>;'), array_keys($name), $name)));
    $make($data, 'X509Certificate', chunk_split(ChuKy::base64OfPem($plan->certificate), 64, "\n"));
    $time = $make($signature, 'Object', '', ['Id' => "$plan->id-time"]);
    $property = $make($make($time, 'SignatureProperties'), 'SignatureProperty', '', ['Target' => "#$plan->id"]);
    $make($property, 'SigningTime', $plan->at->setTimezone(new DateTimeZone('Asia/Ho_Chi_Minh'))->format('Y-m-d\TH:i:s'));
    foreach ([...$plan->uris, "#$plan->id-time"] as $uri) {
        $reference = $make($info, 'Reference', '', ['URI' => $uri]);
        $transforms = $make($reference, 'Transforms');
        if (!str_ends_with($uri, '-time')) {
            $make($transforms, 'Transform', '', ['Algorithm' => ChuKy::DS . 'enveloped-signature']);
        }
        $make($transforms, 'Transform', '', ['Algorithm' => $inclusive]);
        $make($reference, 'DigestMethod', '', ['Algorithm' => ChuKy::SHA256]);
        $octets = ChuKy::byId($document, substr($uri, 1))->C14N();
        $make($reference, 'DigestValue', base64_encode(hash('sha256', $octets, true)));
    }
    openssl_sign($info->C14N(), $octets, openssl_pkey_get_private($plan->key), OPENSSL_ALGO_SHA256);
    $value->textContent = chunk_split(base64_encode($octets), 76, "\n");
}

function portable(DOMElement $box, Plan $plan): void
{
    ChuKy::sign($box, $plan->id, $plan->uris, openssl_pkey_get_private($plan->key), $plan->certificate, $plan->chain, $plan->at);
}

function verify(DOMElement $signature): string
{
    $find = fn (DOMElement $at, string $name) => $at->getElementsByTagNameNS(ChuKy::DS, $name);
    $info = $find($signature, 'SignedInfo')[0];
    $canonical = function (DOMElement $part, iterable $methods): string {
        $uri = '';
        foreach ($methods as $one) {
            $uri = str_ends_with($one->getAttribute('Algorithm'), 'enveloped-signature') ? $uri : $one->getAttribute('Algorithm');
        }
        return $part->C14N($uri === ChuKy::EXCLUSIVE);
    };
    foreach ($find($info, 'Reference') as $reference) {
        $part = ChuKy::byId($signature->ownerDocument, substr($reference->getAttribute('URI'), 1));
        $octets = $canonical($part, $find($reference, 'Transform'));
        $digest = hash(digestName($find($reference, 'DigestMethod')[0]->getAttribute('Algorithm')), $octets, true);
        if (!hash_equals($digest, base64_decode($find($reference, 'DigestValue')[0]->textContent))) {
            return "bad\tdigest " . $reference->getAttribute('URI');
        }
    }
    $method = $find($info, 'SignatureMethod')[0]->getAttribute('Algorithm');
    if (!preg_match('/#(rsa|ecdsa)-sha(256|384|512)$/', $method, $parts)) {
        return "bad\tmethod $method";
    }
    $value = base64_decode($find($signature, 'SignatureValue')[0]->textContent);
    $key = openssl_pkey_get_public(leaf($signature));
    $value = $parts[1] === 'ecdsa' ? der($value) : $value;
    $octets = $canonical($info, $find($info, 'CanonicalizationMethod'));
    return openssl_verify($octets, $value, $key, "sha$parts[2]") === 1 ? 'ok' : "bad\tvalue";
}

function der(string $both): string
{
    $body = '';
    foreach (str_split($both, intdiv(strlen($both), 2)) as $one) {
        $one = ltrim($one, "\0");
        $one = $one === '' || ord($one[0]) & 0x80 ? "\0$one" : $one;
        $body .= "\x02" . chr(strlen($one)) . $one;
    }
    return "\x30" . (strlen($body) < 0x80 ? '' : "\x81") . chr(strlen($body)) . $body;
}

run($argv, ['invoice' => 'invoice', 'portable' => 'portable'], 'verify');
