"""Files made to hurt whoever reads them (appendix1.md §3): each by name, with the root cause that must refuse it.

Every entry changes one sound signed document; what a document is refused for is told by its cause, and the work that
was done before is bounded by caps, not by luck. ``tests/attacks/measure.py`` runs each in a process of its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MARK = "<DiemCaNam>8.3<"


@dataclass(frozen=True, slots=True)
class Hostile:
    """One attack: what it makes of a sound document, and the causes of which one must be a root (none: harmless)."""

    make: Callable[[bytes], bytes]
    causes: tuple[str, ...]


def swap(data: bytes, old: str, new: str, count: int = 1) -> bytes:
    """``data`` with ``old``, which must be there, replaced."""
    assert old.encode() in data, old
    return data.replace(old.encode(), new.encode(), count)


def _value(text: str, old: str = MARK) -> Callable[[bytes], bytes]:
    """A mark (or another simple value) of this text instead."""
    return lambda data: swap(data, old, f"{old.partition('>')[0]}>{text}<")


def _before_root(text: str) -> Callable[[bytes], bytes]:
    return lambda data: swap(data, "<HocBa", text + "<HocBa")


def _in_content(text: str) -> Callable[[bytes], bytes]:
    return lambda data: swap(data, "</BangDiem>", text + "</BangDiem>")


def _on_content(attributes: str) -> Callable[[bytes], bytes]:
    return lambda data: swap(data, "<NoiDung ", f"<NoiDung {attributes} ")


def _part(name: str, text: str, number: int = 1) -> Callable[[bytes], bytes]:
    """The text of the ``number``-th element of a name (any prefix) replaced."""

    def change(data: bytes) -> bytes:
        found = list(re.finditer(rb"(<(?:\w+:)?" + name.encode() + rb"(?: [^>]*)?>)[^<]*(<)", data))
        one = found[number - 1]
        return data[: one.end(1)] + text.encode() + data[one.start(2) :]

    return change


def _repeat(pattern: bytes, times: int, put: Callable[[bytes], bytes] = lambda one: one) -> Callable[[bytes], bytes]:
    """The first match of ``pattern``, many times over."""

    def change(data: bytes) -> bytes:
        found = re.search(pattern, data, re.DOTALL)
        assert found is not None
        return data[: found.end()] + put(found[0]) * times + data[found.end() :]

    return change


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size) + body


def _integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1))


def rsa_certificate(modulus: int, exponent: int, *, serial: int = 7, year: bytes = b"20300101000000Z") -> bytes:
    """A certificate, unsigned in truth, of any RSA key there may be: libraries do not make these."""
    sha256_rsa = _der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    name = _der(0x30, _der(0x31, _der(0x30, bytes.fromhex("0603550403"), _der(0x0C, "Lê Thị Hạnh".encode()))))
    key = _der(0x30, _integer(modulus), _integer(exponent))
    spki = _der(0x30, _der(0x30, bytes.fromhex("06092a864886f70d0101010500")), _der(3, b"\0" + key))
    validity = _der(0x30, _der(0x17, b"200101000000Z"), _der(0x18, year))
    body = _der(0x30, _der(0xA0, _integer(2)), _integer(serial), sha256_rsa, name, validity, name, spki)
    return _der(0x30, body, sha256_rsa, _der(3, b"\0" + b"\1" * 256))


def with_certificate(der: bytes, method: str = "") -> Callable[[bytes], bytes]:
    """This certificate in the principal's signature (and another signature method)."""

    def change(data: bytes) -> bytes:
        at = data.index(b'Id="sig-principal-1"')
        head, rest = data[:at], data[at:]
        rest = re.sub(
            rb"(<ds:X509Data>).*?(</ds:X509Data>)",
            lambda found: found[1] + b"<ds:X509Certificate>" + base64.b64encode(der) + b"</ds:X509Certificate>"
            + found[2],
            rest, count=1, flags=re.DOTALL,
        )  # fmt: skip
        if method:
            rest = re.sub(rb'(SignatureMethod Algorithm=")[^"]*', rb"\g<1>" + method.encode(), rest, count=1)
        return head + rest

    return change


def below_a_loop_of_authorities(size: int, now: datetime) -> list[bytes]:
    """A signer's certificate in DER, then authorities of which each is issued by the next, and the last by the first.

    All are of one key.
    """
    key = ec.generate_private_key(ec.SECP256R1())

    def issued(name: str, issuer: str, serial: int, *, authority: bool) -> bytes:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    loop = [issued(f"CA {n}", f"CA {(n + 1) % size}", n + 1, authority=True) for n in range(size)]
    return [issued("Lê Thị Hạnh", "CA 0", size + 1, authority=False), *loop]


def _loop(data: bytes) -> bytes:
    listed = b"".join(
        b"<ds:X509Certificate>" + base64.b64encode(one) + b"</ds:X509Certificate>"
        for one in below_a_loop_of_authorities(9, datetime(2026, 6, 15).astimezone())
    )
    return re.sub(rb"(<ds:X509Data>).*?(</ds:X509Data>)", rb"\g<1>" + listed + rb"\g<2>", data, flags=re.DOTALL)


ODD = (1 << 2047) | 1
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_ENTITIES = "<!DOCTYPE HocBa [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)
) + "]>"  # fmt: skip
_QUADRATIC = "<!DOCTYPE HocBa [<!ENTITY a '" + "x" * 60_000 + "'>]>"
_PARAMETER = "<!DOCTYPE HocBa [" + "".join(f"<!ENTITY % p{n} '{f'%p{n - 1};' * 10 if n else 'x'}'>" for n in range(9))
_PARAMETER += "]>"
_PROPER = "PL1-STR-001."
_CROWDED = ("PL1-DOC-004.children",)

EXCHANGED = "PL1-KY-006.certificate-exchanged"
HOSTILE: dict[str, Hostile] = {
    # entities and document types
    "a billion laughs": Hostile(_before_root(_ENTITIES), ("PL1-DOC-002.doctype",)),
    "an entity of 60 kB used 5,000 times": Hostile(
        lambda data: _value("&a;" * 5_000)(_before_root(_QUADRATIC)(data)), ("PL1-DOC-002.doctype",)
    ),
    "parameter entities": Hostile(_before_root(_PARAMETER), ("PL1-DOC-002.doctype",)),
    "an external entity": Hostile(
        lambda data: _value("&x;")(_before_root('<!DOCTYPE HocBa [<!ENTITY x SYSTEM "file:///etc/hostname">]>')(data)),
        ("PL1-DOC-002.doctype",),
    ),
    "an endless device as external subset": Hostile(
        _before_root('<!DOCTYPE HocBa SYSTEM "file:///dev/zero">'), ("PL1-DOC-002.doctype",)
    ),
    "UTF-16 with a document type": Hostile(
        lambda data: swap(_before_root(_ENTITIES)(data), "UTF-8", "UTF-16").decode().encode("utf-16"),
        ("PL1-DOC-001.not-utf8", "PL1-DOC-002.doctype"),
    ),
    "UTF-7 with a document type": Hostile(
        lambda data: swap(_before_root(_ENTITIES)(data), "UTF-8", "UTF-7"),
        ("PL1-DOC-001.not-utf8", "PL1-DOC-002.doctype"),
    ),
    "an attribute default": Hostile(
        _before_root("<!DOCTYPE HocBa [<!ATTLIST NoiDung PhienBanDacTa CDATA '1.0'>]>"), ("PL1-DOC-002.doctype",)
    ),
    # size and shape
    "3 MiB of text in a mark": Hostile(_value("8" * (3 << 20)), ("PL1-DOC-004.bytes",)),
    "100 MiB": Hostile(_value("8" * (100 << 20)), ("PL1-DOC-004.bytes",)),
    "1.9 MiB of text in a mark": Hostile(
        _value("8" * 1_900_000), ("PL1-MON-005.not-a-mark", "PL1-MON-005.range", "PL1-KY-006.value-changed")
    ),
    "1.9 MiB of text in a comment": Hostile(
        lambda data: swap(data, "Chăm ngoan", "Chăm " * 300_000), (_PROPER + "too-long",)
    ),
    "1.9 MiB of white space": Hostile(
        _in_content(" \n" * 900_000), ("PL1-KY-006.reindented", "PL1-KY-006.value-changed")
    ),
    "1.9 MiB of carriage returns": Hostile(
        lambda data: swap(data, "Chăm ngoan", "&#13;" * 350_000), (_PROPER + "too-long",)
    ),
    "half a million combining marks": Hostile(
        lambda data: swap(data, "Phạm Đức Minh", "a" + "\u0301\u0323" * 400_000), ("PL1-DOC-005.not-nfc",)
    ),
    "a title of 400,000 words": Hostile(
        _value("Phó " * 400_000, "<ChucVu>Hiệu trưởng<"), ("PL1-KY-006.changed-within",)
    ),
    "18,000 teachers of a subject": Hostile(_repeat(rb"<Gvbm>.*?</Gvbm>", 18_000), _CROWDED),
    "deep nesting": Hostile(_in_content("<a>" * 100_000 + "</a>" * 100_000), ("PL1-DOC-004.depth",)),
    "deep nesting, not closed": Hostile(
        _in_content("<a>" * 400_000), ("PL1-DOC-004.depth", "PL1-DOC-001.not-well-formed")
    ),
    "255 levels": Hostile(_in_content("<a>" * 250 + "</a>" * 250), ("PL1-DOC-004.depth",)),
    "180,000 attributes": Hostile(
        _on_content(" ".join(f"a{n}=''" for n in range(180_000))), ("PL1-DOC-004.attributes",)
    ),
    "300,000 attributes": Hostile(_on_content(" ".join(f"a{n}=''" for n in range(300_000))), ("PL1-DOC-004.bytes",)),
    "300,000 namespaces": Hostile(
        _on_content(" ".join(f"xmlns:a{n}='u'" for n in range(300_000))), ("PL1-DOC-004.bytes",)
    ),
    "100,000 namespaces": Hostile(
        _on_content(" ".join(f"xmlns:a{n}='u'" for n in range(100_000))), ("PL1-DOC-004.namespaces",)
    ),
    "namespaces within the limit on every level": Hostile(
        _in_content(
            "".join(f"<a{n} " + " ".join(f"xmlns:p{n}-{m}='u{m}'" for m in range(26)) + ">" for n in range(35))
            + "".join(f"<b {' '.join(f'p{n}-0:c{n}={chr(39)}{chr(39)}' for n in range(30))}/>" for _ in range(450))
            + "".join(f"</a{n}>" for n in reversed(range(35)))
        ),
        (_PROPER + "element",),
    ),
    "30 attributes on each of 3,000 elements": Hostile(
        _in_content(f"<a>{('<a ' + ' '.join(f'b{n}={chr(39) * 2}' for n in range(30)) + '/>') * 300}</a>" * 10),
        (_PROPER + "element",),
    ),
    "500,000 elements": Hostile(_in_content("<a/>" * 400_000), ("PL1-DOC-004.nodes",)),
    "90,000 elements within a signature": Hostile(
        lambda data: swap(data, "</ds:Signature>", f"<ds:Object>{'<a><b/></a>' * 45_000}</ds:Object></ds:Signature>"),
        ("PL1-KY-006.slot-changed",),
    ),
    "EBCDIC": Hostile(lambda data: data.decode().encode("cp037", "replace"), ("PL1-DOC-001.not-utf8",)),
    "95,000 elements": Hostile(_in_content("<a/>" * 90_000), _CROWDED),
    "95,000 elements, 400 in each": Hostile(_in_content(f"<a>{'<a/>' * 400}</a>" * 230), (_PROPER + "element",)),
    "90,000 texts between elements": Hostile(_in_content("<a/>x" * 90_000), _CROWDED),
    "90,000 texts, 400 in each element": Hostile(_in_content(f"<a>{'<a/>x' * 400}</a>" * 230), (_PROPER + "element",)),
    "390,000 instructions": Hostile(_in_content("<?a?>" * 380_000), ("PL1-DOC-004.nodes",)),
    "50,000 comments in a mark": Hostile(_value("8" + "<!---->" * 50_000 + ".3"), ("PL1-DOC-003.comment",)),
    "50,000 CDATA sections in a mark": Hostile(_value("8" + "<![CDATA[]]>" * 50_000 + ".3"), ("PL1-DOC-003.cdata",)),
    "names of 100,000 letters": Hostile(
        _in_content("".join(f"<{'a' * 90_000}{n}/>" for n in range(15))),
        (_PROPER + "element", "PL1-DOC-004.bytes", "PL1-DOC-001.not-well-formed"),
    ),
    "4,000 subjects": Hostile(_repeat(rb"<MonHoc .*?</MonHoc>", 4_000), _CROWDED),
    "450 subjects": Hostile(_repeat(rb"<MonHoc .*?</MonHoc>", 450), ("PL1-STR-002.duplicate",)),
    "9,000 subjects with a fresh identifier each": Hostile(
        lambda data: _in_content(
            "".join(
                f'<MonHoc Id="x{n}"><MaMonHoc>TOA</MaMonHoc><TenMonHoc>Toán</TenMonHoc></MonHoc>' for n in range(9_000)
            )
        )(data),
        _CROWDED,
    ),
    "450 subjects with a fresh identifier each": Hostile(
        _in_content(
            "".join(
                f'<MonHoc Id="x{n}"><MaMonHoc>TOA</MaMonHoc><TenMonHoc>Toán</TenMonHoc></MonHoc>' for n in range(450)
            )
        ),
        ("PL1-MON-001.twice",),
    ),
    "80 subjects of 400 other teachers each": Hostile(
        _in_content(
            "".join(
                f'<MonHoc Id="x{n}"><MaMonHoc>TOA</MaMonHoc><TenMonHoc>Toán</TenMonHoc>'
                + "".join(f"<Gvbm><HoTen>A{m}</HoTen><SoDinhDanh>0{n}{m}</SoDinhDanh></Gvbm>" for m in range(400))
                + "</MonHoc>"
                for n in range(75)
            )
        ),
        ("PL1-MON-001.twice",),
    ),
    "450 teachers of a subject": Hostile(_repeat(rb"<Gvbm>.*?</Gvbm>", 450), ("PL1-STR-001.named-twice",)),
    "300 copies of the content": Hostile(_repeat(rb"<NoiDung .*</NoiDung>", 300), ("PL1-KY-008.copy",)),
    "300 contents that are empty": Hostile(
        lambda data: swap(data, "</NoiDung>", "</NoiDung>" + "<NoiDung/>" * 300), ("PL1-KY-008.copy",)
    ),
    "10,000 years of study": Hostile(
        lambda data: (
            swap(
                data,
                "<QuaTrinhHocTap/>",
                "<QuaTrinhHocTap>" + "<Nam><NamHoc>2020-2021</NamHoc></Nam>" * 9_000 + "</QuaTrinhHocTap>",
            )
            if b"<QuaTrinhHocTap/>" in data
            else swap(data, "</QuaTrinhHocTap>", "<Nam><NamHoc>2020-2021</NamHoc></Nam>" * 9_000 + "</QuaTrinhHocTap>")
        ),
        _CROWDED,
    ),
    # numbers and dates
    "a mark of 1e999999999": Hostile(_value("1e999999999"), ("PL1-MON-005.not-a-mark", "PL1-KY-006.value-edited")),
    "a mark of 1E-999999999": Hostile(_value("1E-999999999"), ("PL1-MON-005.not-a-mark", "PL1-KY-006.value-edited")),
    "a mark of a million digits": Hostile(_value("1" * 1_000_000), ("PL1-MON-005.not-a-mark", "PL1-MON-005.range")),
    "a mark of a million places": Hostile(
        _value("8." + "3" * 1_000_000), ("PL1-MON-005.not-a-mark", "PL1-MON-005.decimals")
    ),
    "a mark that is no number": Hostile(_value("NaN"), ("PL1-MON-005.not-a-mark", "PL1-KY-006.value-edited")),
    "an infinite mark": Hostile(_value("Infinity"), ("PL1-MON-005.not-a-mark", "PL1-KY-006.value-edited")),
    "a mark in other digits": Hostile(_value("\u0668.\u0663"), ("PL1-MON-005.not-a-mark", "PL1-KY-006.value-edited")),
    "absences of a million digits": Hostile(
        _value("9" * 1_000_000, "<SoBuoiNghi>3<"),
        ("PL1-STR-001.too-long", "PL1-LL-001.absences", "PL1-KY-006.value-changed"),
    ),
    "a version of a million digits": Hostile(
        _value("9" * 1_000_000, "<PhienBanThongTinHocBa>1<"), ("PL1-STR-004.not-a-version", "PL1-STR-004.no-reason")
    ),
    "a birth date in the year 99999": Hostile(
        _value("99999-03-04", "<NgaySinh>2013-03-04<"), ("PL1-STR-006.not-a-date",)
    ),
    "a birth date in the year 0": Hostile(_value("0000-00-00", "<NgaySinh>2013-03-04<"), ("PL1-STR-006.not-a-date",)),
    "a school year of 99999": Hostile(_value("99999-100000", "<NamHoc>2025-2026<"), ("PL1-STR-005.not-a-year",)),
    "a school year of 9998": Hostile(_value("9998-9999", "<NamHoc>2025-2026<"), ()),
    "a signing time in the year 99999": Hostile(
        _part("SigningTime", "99999-06-15T09:00:00+07:00"), ("PL1-KY-006.properties-changed",)
    ),
    "a signing time in the year 1, zone ahead": Hostile(
        _part("SigningTime", "0001-01-01T00:00:00+14:00"), ("PL1-KY-006.properties-changed",)
    ),
    "a signing time in the year 9999, zone behind": Hostile(
        _part("SigningTime", "9999-12-31T23:59:59-14:00"), ("PL1-KY-006.properties-changed",)
    ),
    "a signing time of a million fractions": Hostile(
        _part("SigningTime", "2026-06-15T09:00:00." + "1" * 1_000_000), ("PL1-KY-006.properties-changed",)
    ),
    # signatures
    "5,000 references": Hostile(
        _repeat(rb'<ds:Reference URI="#subject-1">.*?</ds:Reference>', 5_000), ("PL1-KY-007.too-many-references",)
    ),
    "40 references in each signature": Hostile(
        lambda data: re.sub(
            rb"</ds:SignedInfo>",
            b'<ds:Reference URI="#content"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"/>'
            b'</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>'
            b"<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>" * 40 + b"</ds:SignedInfo>",
            data,
        ),
        ("PL1-KY-006.value-changed", "PL1-KY-006.value"),
    ),
    "60 references, each canonicalized otherwise": Hostile(
        lambda data: re.sub(
            rb"</ds:SignedInfo>",
            b"".join(
                b'<ds:Reference URI="#content"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">'
                b'<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="p%d"/>'
                b'</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>'
                b"<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>" % n
                for n in range(58)
            )
            + b"</ds:SignedInfo>",
            data,
        ),
        ("PL1-KY-006.value-changed", "PL1-KY-006.value"),
    ),
    "4,000 transforms": Hostile(_repeat(rb"<ds:Transform [^>]*/>", 14_000), ("PL1-KY-007.too-many-transforms",)),
    "a prefix list of a million letters": Hostile(
        lambda data: data.replace(
            b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>',
            b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces '
            b'xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="'
            + b"a " * 700_000
            + b'"/></ds:Transform>',
            1,
        ),
        ("PL1-KY-006.value",),
    ),
    "XSLT that runs for ever": Hostile(
        lambda data: data.replace(
            b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>',
            b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><x:stylesheet version="1.0" '
            b'xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/" name="a"><x:call-template name="a"/>'
            b"</x:template></x:stylesheet></ds:Transform>",
            1,
        ),
        ("PL1-KY-007.xslt",),
    ),
    "XPath of three seconds": Hostile(
        lambda data: data.replace(
            b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>',
            b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>'
            b"count(//*[count(//*[count(//*)>0])>0])>0</ds:XPath></ds:Transform>",
            1,
        ),
        ("PL1-KY-007.xpath",),
    ),
    "500 signatures": Hostile(
        lambda data: _repeat(rb'<Cks Id="box-subject-teacher-1".*?</Cks>', 500)(data),
        ("PL1-DOC-004.namespaces", *_CROWDED),
    ),
    "450 empty signatures": Hostile(
        lambda data: swap(
            data, "</CksGiaoVien>", f'<Cks><s:Signature xmlns:s="{DSIG}"/></Cks>' * 450 + "</CksGiaoVien>"
        ),
        ("PL1-KY-005.too-many", "PL1-STR-001.attribute-missing"),
    ),
    "signatures inside each other": Hostile(
        lambda data: swap(
            data,
            "</DSChuKy>",
            "<ds:Signature xmlns:ds='"
            + DSIG
            + "'>"
            + "<ds:Object><ds:Signature>" * 16
            + "</ds:Signature></ds:Object>" * 16
            + "</ds:Signature></DSChuKy>",
        ),
        ("PL1-KY-005.stray", _PROPER + "element"),
    ),
    "1.8 MiB of base64 as signature value": Hostile(_part("SignatureValue", "A" * 1_800_000), ("PL1-KY-006.value",)),
    "1.8 MiB of base64 as digest": Hostile(_part("DigestValue", "A" * 1_800_000), ("PL1-KY-006.digest-edited",)),
    "900,000 spaces in base64": Hostile(_part("DigestValue", " A" * 900_000), ("PL1-KY-006.digest-edited",)),
    # certificates
    "1.8 MiB of base64 as certificate": Hostile(_part("X509Certificate", "A" * 1_800_000), ("PL1-CTS-001.malformed",)),
    "5,000 certificates": Hostile(
        _repeat(
            rb"<ds:X509Certificate>",
            1,
            lambda one: b"AAAA</ds:X509Certificate>" + (one + b"AAAA</ds:X509Certificate>") * 20_000 + one,
        ),
        ("PL1-KY-007.too-many-certificates",),
    ),
    "a loop of authorities": Hostile(_loop, (EXCHANGED, "PL1-CTS-001.unknown-issuer")),
    "RSA with an exponent of 2048 bits": Hostile(
        with_certificate(rsa_certificate(ODD, ODD - 2), RSA),
        (EXCHANGED, "PL1-CTS-001.malformed", "PL1-KY-009.rsa-exponent"),
    ),
    "RSA with an exponent of 16,000 bits": Hostile(
        with_certificate(rsa_certificate((1 << 16383) | 1, (1 << 16382) | 1), RSA),
        ("PL1-KY-009.rsa-too-long", "PL1-CTS-001.malformed"),
    ),
    "RSA with a modulus of 200,000 bits": Hostile(
        with_certificate(rsa_certificate((1 << 199_999) | 1, 65537), RSA),
        ("PL1-KY-009.rsa-too-long", "PL1-CTS-001.malformed"),
    ),
    "RSA with a modulus of 8,192 bits, exponent as long": Hostile(
        with_certificate(rsa_certificate((1 << 8191) | 1, (1 << 8190) | 1), RSA),
        (EXCHANGED, "PL1-CTS-001.malformed", "PL1-KY-009.rsa-exponent"),
    ),
    "RSA with the exponent 1": Hostile(
        with_certificate(rsa_certificate(ODD, 1), RSA),
        ("PL1-CTS-001.malformed", EXCHANGED, "PL1-KY-009.rsa-exponent"),
    ),
    "RSA with the exponent 3": Hostile(with_certificate(rsa_certificate(ODD, 3), RSA), (EXCHANGED,)),
    "RSA with an even modulus": Hostile(
        with_certificate(rsa_certificate(ODD - 1, 65537), RSA),
        ("PL1-CTS-001.malformed", EXCHANGED),
    ),
    "RSA with the modulus 0": Hostile(
        with_certificate(rsa_certificate(0, 65537), RSA), ("PL1-CTS-001.malformed", "PL1-KY-009.rsa-too-short")
    ),
    "a serial number of 20,000 octets": Hostile(
        with_certificate(rsa_certificate(ODD, 65537, serial=1 << 160_000), RSA),
        ("PL1-CTS-001.malformed", EXCHANGED),
    ),
    "a negative serial number": Hostile(
        with_certificate(rsa_certificate(ODD, 65537).replace(b"\x02\x01\x07", b"\x02\x01\xf9"), RSA),
        ("PL1-CTS-001.malformed", EXCHANGED),
    ),
    "a certificate valid until the year 9999": Hostile(
        with_certificate(rsa_certificate(ODD, 65537, year=b"99991231235959Z"), RSA),
        (EXCHANGED,),
    ),
    "a certificate valid until the year 99999": Hostile(
        with_certificate(rsa_certificate(ODD, 65537, year=b"999991231235959Z"), RSA), ("PL1-CTS-001.malformed",)
    ),
    # identifiers
    "40,000 identifiers of one value": Hostile(_in_content('<a Id="content"/>' * 40_000), _CROWDED),
    "46,000 identifiers of one value, 400 in each element": Hostile(
        _in_content(f"""<a>{'<a Id="content"/>' * 400}</a>""" * 115), ("PL1-STR-002.duplicate",)
    ),
    "90,000 descriptions of the key": Hostile(
        lambda data: swap(data, "</ds:KeyInfo>", "</ds:KeyInfo>" + "<ds:KeyInfo/>" * 90_000), ("PL1-KY-007.malformed",)
    ),
    "an identifier of a million letters": Hostile(
        lambda data: data.replace(b'"subject-1"', b'"' + b"s" * 900_000 + b'"').replace(
            b'#subject-1"', b"#" + b"s" * 900_000 + b'"'
        ),
        ("PL1-KY-006.value", "PL1-KY-006.value-changed"),
    ),
    # letters
    "invalid UTF-8": Hostile(lambda data: data.replace("Phạm".encode(), b"Ph\xff\xfem"), ("PL1-DOC-001.invalid-utf8",)),
    "a lone surrogate": Hostile(lambda data: swap(data, "Phạm", "&#xD800;"), ("PL1-DOC-001.not-well-formed",)),
    "a character that is none": Hostile(lambda data: swap(data, "Phạm", "&#xFFFE;"), ("PL1-DOC-001.not-well-formed",)),
    "a null": Hostile(lambda data: data.replace("Phạm".encode(), b"Ph\0m"), ("PL1-DOC-001.not-well-formed",)),
    "right-to-left and terminal controls in a name": Hostile(
        lambda data: swap(data, "Phạm Đức Minh", "Phạm \u202e\u2066Minh\u009b31m"), ("PL1-KY-006.value-changed",)
    ),
    "an empty file": Hostile(lambda _: b"", ("PL1-DOC-001.not-well-formed",)),
    "an archive": Hostile(lambda _: b"PK\x03\x04" + bytes(range(256)) * 4000, ("PL1-DOC-001.not-xml",)),
    "zeros": Hostile(
        lambda _: bytes(1 << 20), ("PL1-DOC-001.not-utf8", "PL1-DOC-001.not-well-formed", "PL1-DOC-001.invalid-utf8")
    ),
}
