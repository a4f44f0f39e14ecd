"""Documents on which verifiers are compared: signed in many forms, and then changed in small ways.

Few signatures a document (two teachers, homeroom, principal, seal): all that layers need. The same seed gives the same
changes, keys aside.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache

from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Plan, Signers, Style, sign_document
from tests.builders import NOW, valid_values
from tests.cases import issued

PACK = default_pack()
FAR = datetime(2199, 1, 1, tzinfo=UTC)
"""Some libraries judge validity by the machine's clock."""
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
INVOICE = Style(c14n="inclusive", prefix="", xades=False, zone=False)

STYLES: dict[str, tuple[str, Style]] = {
    "portable": ("p256", Style()),
    "portable rsa": ("rsa2048", Style()),
    "pss": ("rsa2048", Style(padding="pss")),
    "sha-512": ("p384", Style(digest="sha512", hash="sha512")),
    "invoice": ("rsa2048", INVOICE),
    "inclusive with prefix": ("rsa2048", Style(c14n="inclusive")),
    "inclusive 1.1": ("p256", Style(c14n="inclusive-1.1")),
    "no transform": ("p256", Style(reference_c14n="")),
    "enveloped": ("p256", Style(transforms=(ENVELOPED,))),
    "property": ("p256", Style(xades=False)),
    "default namespace": ("p256", Style(prefix="")),
    "wrapped": ("p256", Style(wrap=64)),
    "key value": ("p256", Style(key_value=True)),
    "rsa key value": ("rsa2048", Style(key_value=True, wrap=76)),
    "sha-3": ("p256", Style(digest="sha3-256")),
}
"""Name → kind of key and form of the signatures."""


@cache
def _pki() -> TestPki:
    return TestPki(NOW)


def _few(plan: Plan) -> Plan | None:
    return plan if plan.subject is None or plan.number <= 2 else None


@cache
def signed(style: str, programme: str = "THCS") -> bytes:
    """The document of a style, made once a process."""
    kind, how = STYLES[style]
    unsigned = write(valid_values(programme), PACK)
    named = Signers.of(unsigned, PACK, _pki())
    people = {who: _pki().person("Lê Thử An", who, key=kind, not_after=FAR) for who in named.people}
    seal = _pki().organisation("Trường Thử", school="9901000001", key=kind, not_after=FAR)
    return sign_document(unsigned, PACK, Signers(people, seal), at=NOW, style=how, adjust=_few)


def generated(every: int = 12, without: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Each so many-th of the frozen cases of all programmes, as the reference vendor would issue it, forms in turn."""
    number = 0
    names = [style for style in STYLES if style not in without]
    for programme in issued.PROGRAMMES:
        for case in issued.realised(programme, 1, "averages")[::every]:
            kind, how = STYLES[names[number % len(names)]]
            number += 1
            unsigned = write(issued.contents(case, PACK), PACK)
            signers = Signers.of(unsigned, PACK, _pki(), seal=False, key=kind)
            yield case.id, sign_document(unsigned, PACK, signers, at=NOW, style=how, adjust=_few)


# ------------------------------------------------------------------------------------------------------- mutations

Mutation = Callable[[bytes, random.Random], bytes]


def _at(data: bytes, pattern: bytes, draw: random.Random) -> re.Match[bytes] | None:
    found = list(re.finditer(pattern, data))
    return draw.choice(found) if found else None


def _swap(data: bytes, match: re.Match[bytes] | None, new: bytes) -> bytes:
    return data if match is None else data[: match.start()] + new + data[match.end() :]


def _text(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb">([^<>&]{2,60})<", draw)
    if match is None:
        return data
    value = match[1].decode()
    at = draw.randrange(len(value))
    changed = value[:at] + draw.choice("0aĐ é") + value[at + 1 :]
    return _swap(data, match, b">" + changed.encode() + b"<")


_BASE64 = rb"(?<=(?:..stValue|tureValue)>)[A-Za-z0-9+/]{40,}=*(?=<)"
"""Of digests and values; certificates are random, and what becomes of a damaged one is another question."""


def _base64(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, _BASE64, draw)
    if match is None:
        return data
    value = bytearray(match[0])
    value[draw.randrange(len(value) - 4)] = draw.choice(b"ABCDEFGHIJabcdef0123")
    return _swap(data, match, bytes(value))


def _inside_base64(data: bytes, draw: random.Random, new: bytes) -> bytes:
    match = _at(data, _BASE64, draw)
    if match is None:
        return data
    at = draw.randrange(len(match[0]))
    return _swap(data, match, match[0][:at] + new + match[0][at:])


def _base64_space(data: bytes, draw: random.Random) -> bytes:
    return _inside_base64(data, draw, draw.choice([b" ", b"\n", b"\t", b"&#13;\n"]))


def _not_base64(data: bytes, draw: random.Random) -> bytes:
    return _inside_base64(data, draw, b"-")


def _comment_in_base64(data: bytes, draw: random.Random) -> bytes:
    return _inside_base64(data, draw, b"<!--x-->")


def _key(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"(?<=(?:PublicKey|.:Modulus)>)\s*[A-Za-z0-9+/]{8}", draw)
    return _swap(data, match, match[0][:-4] + b"AbCd") if match else data


def _short_value(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"SignatureValue>[^<]+<", draw)
    return _swap(data, match, match[0][:-9] + b"<") if match else data


def _swapped_values(data: bytes, draw: random.Random) -> bytes:
    found = list(re.finditer(rb"(?<=SignatureValue>)[^<]+(?=<)", data))
    one, other = sorted(draw.sample(found, 2), key=lambda each: each.start())
    return (
        data[: one.start()] + other[0] + data[one.end() : other.start()] + one[0] + data[other.end() :]
    )  # fmt: skip


def _comment(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"(?<=[^<>?/])<(?=[A-Za-z/])|><(?=[A-Za-z])", draw)
    return data if match is None else data[: match.end() - 1] + b"<!--x-->" + data[match.end() - 1 :]


def _instruction(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"><(?=[A-Z])", draw)
    return _swap(data, match, b"><?x y?><")


def _space(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"><", draw)
    return _swap(data, match, b">" + draw.choice([b" ", b"\n", b"\n  "]) + b"<")


def _root_namespace(data: bytes, draw: random.Random) -> bytes:
    return data.replace(b"<HocBa ", b'<HocBa xmlns:them="urn:them" ', 1)


def _own_namespace(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"<(MonHoc|TongKet|Cks|Cks[A-Z]\w+|NoiDung|DinhDanh\w+) ", draw)
    return _swap(data, match, match[0] + b'xmlns:them="urn:them" ') if match else data


def _language(data: bytes, draw: random.Random) -> bytes:
    name = draw.choice([b"HocBa", b"NoiDung", b"DSChuKy"])
    return re.sub(rb"<" + name + rb"(?=[ >])", b"<" + name + b' xml:lang="vi"', data, count=1)


def _attribute_order(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb'<(Cks) (Id="[^"]*") (VaiTro="[^"]*")', draw)
    return _swap(data, match, b"<%s %s  %s" % (match[1], match[3], match[2])) if match else data


def _quotes(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb'="([^"\']*)"', draw)
    return _swap(data, match, b"='" + match[1] + b"'") if match else data


def _reference(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"<(?:ds:)?Reference URI=.*?</(?:ds:)?Reference>", draw)
    return _swap(data, match, b"")


def _target(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb'URI="#[^"]*"', draw)
    new = draw.choice(
        [b"#subject-3", b"#nowhere", b"", b"#content", b"#xpointer(id('content'))", b"file:///etc/hostname"]
    )
    return _swap(data, match, b'URI="' + new + b'"')


def _algorithm(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb'Algorithm="[^"]*"', draw)
    new = draw.choice(
        [
            b"http://www.w3.org/2001/10/xml-exc-c14n#",
            b"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            b"http://www.w3.org/2006/12/xml-c14n11",
            b"http://www.w3.org/2000/09/xmldsig#sha1",
            b"http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            b"http://www.w3.org/2001/04/xmlenc#sha512",
            b"http://www.w3.org/2000/09/xmldsig#base64",
            b"urn:unknown",
        ]
    )
    return _swap(data, match, b'Algorithm="' + new + b'"')


def _transform(data: bytes, draw: random.Random) -> bytes:
    """The transforms of a reference doubled, or taken away."""
    match = _at(data, rb"<(?:ds:)?Transform Algorithm=\"[^\"]*\"/>", draw)
    return _swap(data, match, match[0] * 2) if match else data


def _identifier(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb' Id="(?:subject-\d+|record|learner|content|summary|box-[^"]*)"', draw)
    new = draw.choice([b' Id="subject-2"', b' Id="record"', b' ID="subject-1"', b' Id="other"'])
    return _swap(data, match, new)


def _certificate(data: bytes, draw: random.Random) -> bytes:
    found = re.findall(rb"(?<=X509Certificate>)[^<]+(?=<)", data)
    match = _at(data, rb"(?<=X509Certificate>)[^<]+(?=<)", draw)
    return _swap(data, match, draw.choice(found))


def _reference_to_character(data: bytes, draw: random.Random) -> bytes:
    return data.replace("Đ".encode(), b"&#x110;", draw.randrange(1, 4))


def _cdata(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb">([^<>&]{2,40})<", draw)
    return _swap(data, match, b"><![CDATA[" + match[1] + b"]]><") if match else data


def _copied(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"<MonHoc .*?</MonHoc>", draw)
    return _swap(data, match, match[0] * 2) if match else data


def _object(data: bytes, draw: random.Random) -> bytes:
    match = _at(data, rb"</(ds:)?Signature>", draw)
    p = (match[1] or b"") if match else b""
    return _swap(data, match, b"<%sObject><x xmlns=''/></%sObject></%sSignature>" % (p, p, p))


MUTATIONS: dict[str, Mutation] = {
    one.__name__.strip("_").replace("_", "-"): one
    for one in (
        _text, _base64, _base64_space, _not_base64, _comment_in_base64, _key, _short_value, _swapped_values,
        _comment, _instruction, _space, _root_namespace,
        _own_namespace, _language, _attribute_order, _quotes, _reference, _target, _algorithm, _transform, _identifier,
        _certificate, _reference_to_character, _cdata, _copied, _object,
    )
}  # fmt: skip


def mutated(style: str, count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """``count`` changed documents of a style, each with what was done to it; unchanged ones are left out."""
    sound = signed(style)
    names = list(MUTATIONS)
    for number in range(count):
        draw = random.Random(f"{style} {seed} {number}")
        chosen = [names[number % len(names)], *draw.sample(names, draw.choice((0, 0, 0, 1)))]
        data = sound
        for name in chosen:
            data = MUTATIONS[name](data, draw)
        if data != sound:
            yield f"{style} #{number}: {' + '.join(chosen)}", data
