<?php // Signs and verifies transcripts with robrichards/xmlseclibs: php xmlseclibs.php sign invoice|portable IN PLAN OUT, … verify FILE…
declare(strict_types=1);
require __DIR__ . '/common.php';
require __DIR__ . '/ChuKy.php';
require '/usr/local/share/php/xmlseclibs/xmlseclibs.php';         // hoặc / or: composer's vendor/autoload.php
use RobRichards\XMLSecLibs\XMLSecurityDSig;
use RobRichards\XMLSecLibs\XMLSecurityKey;

function signed(DOMElement $box, Plan $plan, string $prefix, string $c14n): void
{
    $signed = new XMLSecurityDSig($prefix);
    $signed->setCanonicalMethod($c14n);
    $signed->sigNode->setAttribute('Id', $plan->id);
    foreach ($plan->uris as $uri) {   // overwrite: false, nếu không Id bị thay / else the Id is replaced
        $part = ChuKy::byId($box->ownerDocument, substr($uri, 1));
        $signed->addReference($part, XMLSecurityDSig::SHA256, [$c14n], ['overwrite' => false]);
    }
    // The time, in an Object of its own, digested before it stands in the document. In the signature's own namespace:
    // sign() copies with importNode, which moves and renames other declarations, and the digest fits no more.
    $time = $signed->createNewSignNode('SigningTime', $plan->at->format(DATE_ATOM));
    $object = $signed->addObject($time);
    $object->setAttribute('Id', "$plan->id-time");
    $signed->addReference($object, XMLSecurityDSig::SHA256, [$c14n], ['overwrite' => false]);
    $key = new XMLSecurityKey(XMLSecurityKey::RSA_SHA256, ['type' => 'private']);
    $key->loadKey($plan->key);
    $signed->sign($key, $box);        // $box: ô Cks trong tài liệu / the slot in the document
    $signed->add509Cert(implode("\n", [$plan->certificate, ...$plan->chain]) . "\n", true, false,
        ['subjectName' => true]);
}

function verify(DOMElement $signature): string
{
    error_reporting(E_ALL & ~E_DEPRECATED);                   // 3.1.1 with PHP 8
    $signed = new XMLSecurityDSig();
    $signed->sigNode = $signature;
    $signed->canonicalizeSignedInfo();
    $key = $signed->locateKey() ?? throw new RuntimeException('method');
    $key->loadKey(leaf($signature), false, true);
    if ($signed->verify($key) !== 1) {
        return "bad\tvalue";
    }
    // not validateReference(): it takes the signature out of the document first, and then finds nothing of its own
    foreach ($signature->getElementsByTagNameNS(ChuKy::DS, 'SignedInfo')[0]->getElementsByTagNameNS(ChuKy::DS, 'Reference') as $one) {
        if (!$signed->processRefNode($one)) {
            return "bad\tdigest " . $one->getAttribute('URI');
        }
    }
    return 'ok';
}

run($argv, [
    'invoice' => fn ($box, $plan) => signed($box, $plan, '', XMLSecurityDSig::C14N),
    'portable' => fn ($box, $plan) => signed($box, $plan, 'ds', XMLSecurityDSig::EXC_C14N),
], 'verify');
