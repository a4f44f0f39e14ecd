"""``hocba pki DIR``: a test PKI on disk for a vendor's desk. Keys are made when called, for synthetic persons only."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.pack import Pack, default_pack
from conformance.signature.pki import Credential, TestPki
from conformance.signature.responders import TimeStampAuthority, ocsp_answer, ocsp_delegate

# role in the test interface → given names of the synthetic persons
_PEOPLE = {
    "teacher": ("Lê Thử An", "Phạm Thử Bình", "Trần Thử Chi"),
    "homeroom": ("Võ Thử Dung",),
    "leader": ("Đặng Thử Giang",),
}

_README = """# PKI thử cho bàn làm việc / Test PKI for a vendor's desk

Chỉ dùng để thử: mọi người và trường học ở đây đều không có thật. Không đưa các khóa này vào hệ thống thật.
For tests only: every person and school in here is made up. Never let these keys into a production system.

| tệp / file | nội dung / content |
|---|---|
| `root.pem` | chứng thư gốc: nơi duy nhất cần tin cậy / the root, the only thing to trust |
| `authorities.pem` | gốc và hai CA cấp phát, dùng cho `--trust` / root and both issuing CAs, for `--trust` |
| `crl-*.crl` | danh sách thu hồi (DER), dùng cho `--crl` / revocation lists (DER), for `--crl` |
| `*.ocsp` | câu trả lời OCSP (DER) về từng người ký, cho `--ocsp` / OCSP answers (DER) on each signer, for `--ocsp` |
| `tsa.p12` | khóa của nơi cấp dấu thời gian thử / key of a time-stamp authority for tests |
| `sample.txt`, `sample.tsr` | mẫu và dấu thời gian của nó (RFC 3161) / a sample and its time-stamp (RFC 3161) |
| `*.p12` | khóa, chứng thư và chuỗi của từng người ký / key, certificate and chain of each signer |
| `signers.json` | ai giữ tệp nào: vai, tên, số định danh / who holds which file: role, name, identifier |
| `password.txt` | mật khẩu chung của mọi tệp `.p12` / the one password of all `.p12` files |

`revoked.p12` đã bị thu hồi và `expired.p12` đã hết hạn: phần mềm phải từ chối ký bằng hai tệp này.
`revoked.p12` is revoked and `expired.p12` has expired: the software must refuse to sign with these two.

`openssl ts -verify -data sample.txt -in sample.tsr -CAfile authorities.pem`

Tạo lúc / made at {made}. Có hiệu lực đến / valid until {until}.
"""


Holder = tuple[dict[str, str], Credential]


def write_desk(
    folder: Path, password: str | None, *, now: datetime | None = None, pack: Pack | None = None
) -> list[str]:
    """Write root, issuing CAs, CRLs, PKCS#12 files and a bilingual README into the new folder ``folder``.

    ``password``: of all PKCS#12 files; ``None``: drawn. ``now`` (aware) is the clock's unless given. Returns the lines
    to print. Existing desks are never overwritten.

    Raises:
        OSError: the folder is not empty, or it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError("thư mục không trống / the folder is not empty")
    # a door of its own: the one place of this package where the clock may be read
    moment = now or datetime.now(UTC)
    chosen_pack = pack or default_pack()
    secret = password or secrets.token_urlsafe(12)
    pki = TestPki(moment, chosen_pack)
    holders, spoiled = _holders(pki, chosen_pack, moment)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "root.pem").write_bytes(pki.root_pem())
    (folder / "authorities.pem").write_bytes(pki.anchors_pem())
    for name, crl in zip(("root", "persons", "organisations"), pki.crls(), strict=True):
        (folder / f"crl-{name}.crl").write_bytes(crl)
    listed = []
    signers = {**holders, **spoiled}
    _services(folder, pki, signers, moment, secret)
    for file, (entry, credential) in signers.items():
        _private(folder / f"{file}.p12", credential.pkcs12(secret.encode()))
        certificate = base64.b64encode(credential.certificate.public_bytes(Encoding.DER)).decode()
        listed.append({**entry, "file": f"{file}.p12", "ocsp": f"{file}.ocsp", "certificate": certificate})
    _private(folder / "password.txt", secret.encode() + b"\n")
    (folder / "signers.json").write_text(
        json.dumps(listed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n"
    )
    until = min(one.certificate.not_valid_after_utc for _, one in holders.values())
    readme = _README.format(made=moment.isoformat(timespec="minutes"), until=until.date().isoformat())
    (folder / "README.md").write_text(readme, encoding="utf-8", newline="\n")
    return [
        f"{folder}: {len(listed)} tệp PKCS#12 / PKCS#12 files, root.pem, authorities.pem, 3 CRL, OCSP, "
        "dấu thời gian / time-stamp",
        "Mật khẩu nằm trong password.txt / the password is in password.txt"
        if password is None
        else "Mật khẩu như đã cho / the password is the one given",
        f"hocba check --trust {folder / 'authorities.pem'} "
        + " ".join(f"--crl {folder / f'crl-{name}.crl'}" for name in ("root", "persons", "organisations"))
        + " FILE…",
    ]


def _services(folder: Path, pki: TestPki, signers: Mapping[str, Holder], moment: datetime, secret: str) -> None:
    """OCSP answers about every signer, a time-stamp authority, and a sample it stamped."""
    week = moment + timedelta(days=7)
    for file, (_, credential) in signers.items():
        answer = ocsp_answer(pki, credential, signer=ocsp_delegate(pki, credential), next_update=week)
        (folder / f"{file}.ocsp").write_bytes(answer)
    authority = TimeStampAuthority(pki)
    _private(folder / "tsa.p12", authority.credential.pkcs12(secret.encode()))
    sample = "Học bạ số\n".encode()
    (folder / "sample.txt").write_bytes(sample)
    (folder / "sample.tsr").write_bytes(authority.response(sample, pki.now))


def _private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


def _holders(pki: TestPki, pack: Pack, now: datetime) -> tuple[dict[str, Holder], dict[str, Holder]]:
    """Good signers, and the spoiled ones, by file name."""
    identifiers, first = pack.header.identifiers, pack.header.reserved.national_id_serial[0]
    serial, digits = int(first), len(first)
    place = next((entry.code for entry in pack.codes.get("id-provinces", ())), "")
    number = 0

    def identifier() -> str:
        nonlocal number
        number += 1
        return identifiers.national_id_form.format(
            place=place, sex=next(iter(identifiers.sexes), ""), year="99", serial=f"{serial + number:0{digits}d}"
        )

    good: dict[str, Holder] = {}
    for role, names in _PEOPLE.items():
        for count, name in enumerate(names, 1):
            national_id = identifier()
            file = role if len(names) == 1 else f"{role}-{count}"
            good[file] = ({"role": role, "name": name, "nationalId": national_id}, pki.person(name, national_id))
    name, national_id = "Ngô Thử Hà", identifier()
    strong = pki.person(name, national_id, key="rsa2048")
    good["teacher-rsa"] = ({"role": "teacher", "name": name, "nationalId": national_id}, strong)
    name, passport = "Test Teacher Abroad", "X9900001"
    good["teacher-passport"] = (
        {"role": "teacher", "name": name, "passport": passport}, pki.person(name, passport=passport)
    )  # fmt: skip
    school, code = "Trường Thử nghiệm", pack.header.reserved.school_code_prefix + "000001"
    good["seal"] = ({"role": "seal", "name": school, "schoolCode": code}, pki.organisation(school, school=code))

    spoiled: dict[str, Holder] = {}
    name, national_id = "Bùi Thử Kha", identifier()
    revoked = pki.person(name, national_id)
    pki.revoke(revoked, now)
    spoiled["revoked"] = ({"role": "teacher", "name": name, "nationalId": national_id, "state": "revoked"}, revoked)
    name, national_id = "Hồ Thử Lam", identifier()
    expired = pki.person(name, national_id, not_after=now.replace(year=now.year - 1, day=1))
    spoiled["expired"] = ({"role": "teacher", "name": name, "nationalId": national_id, "state": "expired"}, expired)
    return good, spoiled
