#!/usr/bin/perl
# Signs and verifies transcripts with XML::LibXML and Crypt::OpenSSL: interop.pl sign invoice|portable IN PLAN OUT, interop.pl verify FILE…
# The plan's lines, tab-separated: see ../README.md.
use strict;
use warnings;
use utf8;
use Crypt::OpenSSL::RSA;
use Crypt::OpenSSL::X509;
use Encode qw(encode_utf8);
use Digest::SHA qw(sha256 sha384 sha512);
use MIME::Base64 qw(encode_base64 decode_base64);
use XML::LibXML;
use XML::LibXML::XPathContext;

use constant {
    DS => 'http://www.w3.org/2000/09/xmldsig#', EXCLUSIVE => 'http://www.w3.org/2001/10/xml-exc-c14n#',
    INCLUSIVE => 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315', SHA256 => 'http://www.w3.org/2001/04/xmlenc#sha256',
    XADES => 'http://uri.etsi.org/01903/v1.3.2#',
};
my %DIGEST = (sha256 => \&sha256, sha384 => \&sha384, sha512 => \&sha512);
my $parser = XML::LibXML->new(no_network => 1, load_ext_dtd => 0, expand_entities => 0, keep_blanks => 1);

sub slurp { my ($path) = @_; open my $in, '<:raw', $path or die "$path: $!"; local $/; return scalar <$in> }

sub canonical {
    my ($element, $method) = @_;
    return encode_utf8($method eq EXCLUSIVE ? $element->toStringEC14N(0) : $element->toStringC14N(0));    # it gives letters
}

sub by_id {
    my ($document, $id) = @_;
    my @found = $document->findnodes("//*[\@Id='$id']");
    die "Id $id: " . @found . "\n" unless @found == 1;
    return $found[0];
}

sub inside { my ($element, $name) = @_; return $element->getElementsByTagNameNS(DS, $name) }

sub certificate {    # base64 on one line
    my ($pem) = @_;
    return join '', grep { !/-----/ } split /\s*\n/, $pem;
}

sub reference {
    my ($uri, $p, $c14n, $type) = @_;
    return qq{<${p}Reference URI="$uri"$type><${p}Transforms><${p}Transform Algorithm="$c14n"/></${p}Transforms>}
        . qq{<${p}DigestMethod Algorithm="@{[SHA256]}"/><${p}DigestValue/></${p}Reference>};
}

sub signature {
    my ($document, $box, $style, $id, $time, $base, @uris) = @_;
    my $portable = $style eq 'portable';
    my ($p, $declared, $c14n) = $portable ? ('ds:', 'xmlns:ds', EXCLUSIVE) : ('', 'xmlns', INCLUSIVE);
    my $pem = slurp("$base.cert.pem");
    my @chain = slurp("$base.chain.pem") =~ /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;
    my ($object, $extra);
    if ($portable) {
        my $digest = encode_base64(sha256(decode_base64(certificate($pem))), '');    # not sha256_base64: it leaves out the "="
        $extra = reference("#$id-props", $p, $c14n, ' Type="http://uri.etsi.org/01903#SignedProperties"');
        $object = qq{<ds:Object><xades:QualifyingProperties xmlns:xades="@{[XADES]}" Target="#$id"><xades:SignedProperties Id="$id-props">}
            . qq{<xades:SignedSignatureProperties><xades:SigningTime>$time</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>}
            . qq{<xades:CertDigest><ds:DigestMethod Algorithm="@{[SHA256]}"/><ds:DigestValue>$digest</ds:DigestValue></xades:CertDigest>}
            . qq{</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties>}
            . qq{</xades:QualifyingProperties></ds:Object>};
    } else {
        $extra = reference("#$id-time", $p, $c14n, '');
        $object = qq{<Object Id="$id-time"><SignatureProperties><SignatureProperty Target="#$id"><SigningTime>$time</SigningTime>}
            . qq{</SignatureProperty></SignatureProperties></Object>};
    }
    my $listed = join '', map { "<${p}X509Certificate>" . certificate($_) . "</${p}X509Certificate>" } $pem, $portable ? @chain : ();
    my $x509 = Crypt::OpenSSL::X509->new_from_string($pem);
    my $serial = $portable ? '' : "<X509SubjectName/>";
    # a chunk is parsed where it is to stand only with the declarations it needs itself
    my $chunk = $parser->parse_balanced_chunk(qq{<${p}Signature $declared="@{[DS]}" Id="$id"><${p}SignedInfo>}
        . qq{<${p}CanonicalizationMethod Algorithm="$c14n"/><${p}SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>}
        . join('', map { reference($_, $p, $c14n, '') } @uris) . qq{$extra</${p}SignedInfo><${p}SignatureValue/>}
        . qq{<${p}KeyInfo><${p}X509Data>$serial$listed</${p}X509Data></${p}KeyInfo>$object</${p}Signature>}, 'UTF-8');
    $box->appendChild($chunk);
    my ($signature) = inside($box, 'Signature');
    if (!$portable) {
        my ($name) = inside($signature, 'X509SubjectName');
        $name->appendText(join ',', map { s/([,+"\\<>;])/\\$1/gr } reverse split /, /, $x509->subject);
    }
    my ($info) = inside($signature, 'SignedInfo');
    for my $one (inside($info, 'Reference')) {
        my $octets = canonical(by_id($document, substr $one->getAttribute('URI'), 1), $c14n);
        (inside($one, 'DigestValue'))[0]->appendText(encode_base64(sha256($octets), ''));
    }
    my $key = Crypt::OpenSSL::RSA->new_private_key(slurp("$base.key.pem"));
    $key->use_sha256_hash;    # without it: SHA-1
    $key->use_pkcs1_padding if $key->can('use_pkcs1_padding');
    (inside($signature, 'SignatureValue'))[0]->appendText(encode_base64($key->sign(canonical($info, $c14n)), $portable ? '' : "\n"));
}

sub sign {
    my ($style, $from, $plan, $to) = @_;
    my $document = $parser->parse_file($from);
    open my $lines, '<:encoding(UTF-8)', $plan or die "$plan: $!";
    chomp(my ($first, @rest) = <$lines>);
    my ($namespace, $name, $id, $role) = split /\t/, $first;
    for my $line (@rest) {
        my ($slot, $box_id, $role_value, $sig, $time, $base, $uris) = split /\t/, $line;
        my $box = $document->createElementNS($namespace, $name);
        $box->setAttribute($id, $box_id);
        $box->setAttribute($role, $role_value);
        by_id($document, $slot)->appendChild($box);
        signature($document, $box, $style, $sig, $time, $base, split / /, $uris);
    }
    $document->toFile($to, 0);
}

sub verdict {
    my ($document, $signature) = @_;
    my ($info) = inside($signature, 'SignedInfo');
    my $method = sub { my ($first) = grep { !/enveloped-signature$/ } map { $_->getAttribute('Algorithm') } @_; return $first // INCLUSIVE };
    for my $one (inside($info, 'Reference')) {
        my $octets = canonical(by_id($document, substr $one->getAttribute('URI'), 1), $method->(inside($one, 'Transform')));
        my ($name) = (inside($one, 'DigestMethod'))[0]->getAttribute('Algorithm') =~ /#(sha\d+)$/;
        my $digest = $DIGEST{$name}->($octets);
        return "bad\tdigest " . $one->getAttribute('URI') if $digest ne decode_base64((inside($one, 'DigestValue'))[0]->textContent);
    }
    my ($name) = (inside($info, 'SignatureMethod'))[0]->getAttribute('Algorithm') =~ /#rsa-(sha\d+)$/;
    return "bad\tmethod" unless $name;
    my $certificate = (inside($signature, 'X509Certificate'))[0]->textContent;
    my $pem = "-----BEGIN CERTIFICATE-----\n" . encode_base64(decode_base64($certificate)) . "-----END CERTIFICATE-----\n";
    my $key = Crypt::OpenSSL::RSA->new_public_key(Crypt::OpenSSL::X509->new_from_string($pem)->pubkey);
    my $use = "use_${name}_hash";
    $key->$use;
    my $octets = canonical($info, $method->(inside($info, 'CanonicalizationMethod')));
    return $key->verify($octets, decode_base64((inside($signature, 'SignatureValue'))[0]->textContent)) ? 'ok' : "bad\tvalue";
}

binmode STDOUT, ':encoding(UTF-8)';
my ($command, @arguments) = @ARGV;
if ($command eq 'sign') {
    sign(@arguments);
} else {
    for my $file (@arguments) {
        my $document = $parser->parse_file($file);
        for my $signature (inside($document, 'Signature')) {
            my $verdict = eval { verdict($document, $signature) } // "bad\t" . ($@ =~ s/\s+/ /gr);
            print join("\t", $file, $signature->getAttribute('Id'), $verdict), "\n";
        }
    }
}
