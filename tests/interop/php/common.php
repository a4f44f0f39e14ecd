<?php // What both PHP programs share: the plan (see ../README.md), reading and writing, one line a verdict.
declare(strict_types=1);
error_reporting(E_ALL);
ini_set('display_errors', 'stderr');

/** One line of the plan. */
final class Plan
{
    public readonly DateTimeImmutable $at;
    public readonly string $key;
    public readonly string $certificate;
    /** @var list<string> */
    public readonly array $chain;
    /** @var list<string> */
    public readonly array $uris;

    public function __construct(public readonly string $slot, public readonly string $box, public readonly string $role,
        public readonly string $id, string $at, string $base, string $uris)
    {
        $this->at = new DateTimeImmutable($at);
        $this->key = file_get_contents("$base.key.pem");
        $this->certificate = file_get_contents("$base.cert.pem");
        preg_match_all('/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s', file_get_contents("$base.chain.pem"), $found);
        $this->chain = $found[0];
        $this->uris = explode(' ', $uris);
    }
}

function read(string $path): DOMDocument
{
    $document = new DOMDocument();
    $document->preserveWhiteSpace = true;
    $document->formatOutput = false;
    if (!$document->load($path, LIBXML_NONET) || $document->doctype !== null) {
        throw new RuntimeException("$path: not to be read");
    }
    return $document;
}

/** The signer's certificate: the first one. */
function leaf(DOMElement $signature): string
{
    $text = $signature->getElementsByTagNameNS(ChuKy::DS, 'X509Certificate')[0]->textContent;
    return "-----BEGIN CERTIFICATE-----\n" . chunk_split(preg_replace('/\s/', '', $text), 64, "\n") . "-----END CERTIFICATE-----\n";
}

function digestName(string $uri): string
{
    return match (substr($uri, strpos($uri, '#') + 1)) {
        'sha256' => 'sha256', 'sha384' => 'sha384', 'sha512' => 'sha512', default => throw new RuntimeException($uri),
    };
}

/** @param array<string, callable(DOMElement, Plan): void> $styles  @param callable(DOMElement): string $verify */
function run(array $arguments, array $styles, callable $verify): void
{
    if ($arguments[1] === 'sign') {
        [, , $style, $from, $plan, $to] = $arguments;
        $document = read($from);
        $lines = file($plan, FILE_IGNORE_NEW_LINES);
        [$namespace, $name, $id, $role] = explode("\t", array_shift($lines));
        foreach ($lines as $line) {
            $one = new Plan(...explode("\t", $line));
            $box = $document->createElementNS($namespace, $name);
            $box->setAttribute($id, $one->box);
            $box->setAttribute($role, $one->role);
            ChuKy::byId($document, $one->slot)->appendChild($box);
            $styles[$style]($box, $one);
        }
        $document->save($to);
        return;
    }
    foreach (array_slice($arguments, 2) as $path) {
        foreach (read($path)->getElementsByTagNameNS(ChuKy::DS, 'Signature') as $signature) {
            try {
                $verdict = $verify($signature);
            } catch (Throwable $error) {
                $verdict = "bad\t" . preg_replace('/\s+/', ' ', $error->getMessage());
            }
            echo $path, "\t", $signature->getAttribute('Id'), "\t", $verdict, "\n";
        }
    }
}
