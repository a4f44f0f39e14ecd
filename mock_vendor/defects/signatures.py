"""Wrong signatures: KY, CTS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from mock_vendor.contents import Contents
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.register import PRINCIPAL, SEAL, TEACHER, Wanted
from mock_vendor.signing import Credential
from mock_vendor.writing import Signature


@defect(
    "keeps-one-signature-a-subject",
    "Chỉ giữ một chữ ký cho mỗi môn, dù nhiều giáo viên dạy chung",
    "Keeps one signature a subject although several teachers share it",
    expects=["PL1-KY-001"],
    cause="PL1-KY-001.missing",
    shows=["THCS:thcs-shared-subjects"],
)
class OneASubject(Habits):
    """The first teacher's signature is overwritten by the second's."""

    def text(self, contents: Contents, signatures: Sequence[Signature], *, sealed: bool) -> str:
        last = {one.subject: one for one in signatures if one.role == TEACHER}
        kept = [one for one in signatures if one.role != TEACHER or last[one.subject] is one]
        return super().text(contents, kept, sealed=sealed)


@defect(
    "covers-too-little",
    "Chữ ký giáo viên chỉ phủ môn học, không phủ định danh học bạ và học sinh",
    "A teacher's signature covers the subject only, not record and learner",
    expects=["PL1-KY-005"],
    shows=["THCS:thcs-plain"],
)
class SubjectOnly(Habits):
    """The mark could be replayed on another pupil."""

    def covered(self, one: Wanted, ids: Mapping[str, str]) -> list[str]:
        found = super().covered(one, ids)
        return [ids[f"subject:{one.subject}"]] if one.role == TEACHER else found


@defect(
    "reindents-after-signing",
    "Trình bày lại (thụt dòng) tệp sau khi ký",
    "Re-indents the file after signing",
    expects=["PL1-KY-006"],
    cause="PL1-KY-006.reindented",
    shows=["THCS:thcs-plain"],
)
class Pretty(Habits):
    """White space between elements is part of what was signed."""

    def issued_bytes(self, text: str) -> bytes:
        head, mark, tail = text.partition(f"<{self.prefix}:Signature")
        return super().issued_bytes(head.replace("><", ">\n  <") + mark + tail)


@defect(
    "wraps-a-mark",
    "Giấu phần đã ký vào ds:Object, đặt bản chép không được ký vào chỗ cũ",
    "Hides the signed part in a ds:Object and puts an unsigned copy in its place",
    expects=["PL1-KY-008"],
    shows=["THCS:thcs-plain"],
)
class Wrapped(Habits):
    """References still find what was signed by its Id; readers find the copy."""

    def issued_bytes(self, text: str) -> bytes:
        name = re.escape(self.pack.binding.id_attribute)
        found = re.search(rf'<([\w.:-]+)(?=[^>]* {name}="content")', text)
        if found is None:
            return super().issued_bytes(text)
        end = text.index(f"</{found[1]}>", found.end()) + len(found[1]) + 3
        signed = text[found.start() : end]
        copy = re.sub(rf' {name}="([^"]*)"', rf' {name}="copy-\1"', signed)
        ds = self.prefix
        body, tail = text[end:].rsplit(f"</{ds}:Signature>", 1)
        hidden = f"<{ds}:Object>{signed}</{ds}:Object></{ds}:Signature>"
        return super().issued_bytes(text[: found.start()] + copy + body + hidden + tail)


@defect(
    "signs-with-sha1",
    "Ký bằng SHA-1",
    "Signs with SHA-1",
    expects=["PL1-KY-009"],
    shows=["THCS:thcs-plain"],
)
class Sha1(Habits):
    """Digests and signature values of yesterday."""

    def digest(self) -> DigestAlgorithm:
        return DigestAlgorithm.SHA1

    def method(self, kind: str) -> SignatureMethod:
        return SignatureMethod.RSA_SHA1 if kind == "rsa" else SignatureMethod.ECDSA_SHA1


@defect(
    "seals-ahead-of-time",
    "Đồng hồ của máy đóng dấu chạy nhanh một giờ",
    "The sealing server's clock runs an hour fast",
    expects=["PL1-KY-012"],
    shows=["THCS:thcs-plain"],
)
class FastClock(Habits):
    """The seal claims a time that has not come yet."""

    def signing_time(self, one: Wanted, now: datetime) -> datetime:
        return now + timedelta(hours=1) if one.role == SEAL else now


@defect(
    "signs-before-the-values-come",
    "Băm ô chữ ký cho người ký ở lớp ngoài khi dịch vụ ký từ xa chưa trả giá trị chữ ký",
    "Digests a slot for an outer signer before the remote service has given the signature values in it",
    expects=["PL1-KY-006"],
    cause="PL1-KY-006.value-later",
    shows=["THCS:thcs-plain"],
)
class TooEarly(Habits):
    """The frames of all signatures stand in the document from the beginning; their values are filled in later."""

    def sign(
        self, text: str, contents: Contents, wanted: Sequence[Wanted], find: Callable[[str], Credential], at: datetime
    ) -> list[Signature]:
        frames = re.sub(rf"(<{self.prefix}:SignatureValue>)[^<]*", r"\1", text)
        return super().sign(frames, contents, wanted, find, at)


@defect(
    "makes-its-own-certificates",
    "Tự tạo chứng thư cho người ký thay vì dùng chứng thư được cấp",
    "Makes its own certificates for signers instead of using the issued ones",
    expects=["PL1-CTS-001"],
    shows=["THCS:thcs-plain"],
)
class SelfSigned(Habits):
    """Right names and identifiers, but nobody vouches for them."""

    def credential_of(self, one: Wanted, find: Callable[[str], Credential]) -> Credential:
        made: dict[str, Credential] = self.__dict__.setdefault("_made", {})
        if one.signer not in made:
            made[one.signer] = self_signed(find(one.signer))
        return made[one.signer]


def self_signed(credential: Credential) -> Credential:
    issued, key = credential.chain[0], ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(issued.subject)
        .issuer_name(issued.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issued.not_valid_before_utc)
        .not_valid_after(issued.not_valid_after_utc)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Credential(key, (certificate,))


@defect(
    "same-certificate-for-two-teachers",
    "Hai giáo viên ký bằng cùng một chứng thư",
    "Two teachers sign with the same certificate",
    expects=["PL1-CTS-003"],
    cause="PL1-CTS-003.other-person",
    shows=["THCS:thcs-plain"],
)
class SharedCard(Habits):
    """A colleague's token stays in the reader: the second subject's teacher signs with the first one's."""

    def sign(
        self,
        text: str,
        contents: Contents,
        wanted: Sequence[Wanted],
        find: Callable[[str], Credential],
        at: datetime,
    ) -> list[Signature]:
        subjects = [one["key"] for one in contents["subjects"]]
        teachers: dict[str, str] = self.__dict__.setdefault("_first_teachers", {})
        first = next((one.signer for one in wanted if one.role == TEACHER and one.subject == subjects[0]), "")
        if first:
            teachers[contents["record"]["id"]] = first
        owner = teachers.get(contents["record"]["id"], "")

        def card(signer: str) -> Credential:
            second = any(one.signer == signer and one.role == TEACHER and one.subject == subjects[1] for one in wanted)
            return find(owner if owner and second else signer)

        return super().sign(text, contents, wanted, card, at)


@defect(
    "seals-with-a-personal-certificate",
    "Đóng dấu nhà trường bằng chứng thư cá nhân của hiệu trưởng",
    "Seals with the principal's personal certificate",
    expects=["PL1-CTS-006"],
    shows=["THCS:thcs-plain"],
)
class PersonalSeal(Habits):
    """One token in the safe serves for person and school."""

    def credential_of(self, one: Wanted, find: Callable[[str], Credential]) -> Credential:
        if one.role == PRINCIPAL:
            self.__dict__["_leader"] = one.signer
        return find(self.__dict__.get("_leader", one.signer) if one.role == SEAL else one.signer)
