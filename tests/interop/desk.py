"""What every signer gets: an unsigned document of the project's writer, keys and certificates, and the plan.

The plan says who signs what, where and when, so that the programs need to know nothing of the transcript.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from conformance.checks.context import Context
from conformance.checks.judge import judge_document
from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import Credential, TestPki
from conformance.signature.sign import Plan, Signers, Style, insert, sign_document
from tests.builders import LEADER, NOW, valid_values

PACK = default_pack()
PASSWORD = b"interop"
"""Of the PKCS#12 files, which live as long as the test."""


def unsigned_document(programme: str = "THCS") -> bytes:
    """A sound transcript with an empty slot for everybody, the school's seal included."""
    data = write(valid_values(programme), PACK)
    for slot in PACK.signature.slots:
        if f'Id="slot-{slot.name}"'.encode() not in data:
            container, _, name = slot.path.rpartition("/")
            data = insert(data, container, f'<{name} {PACK.binding.id_attribute}="slot-{slot.name}"/>', PACK)
    return data


def planned(data: bytes, signers: Signers) -> list[Plan]:
    """All signatures that the document needs, in the order of the layers."""
    plans: list[Plan] = []

    def note(plan: Plan) -> None:
        plans.append(plan)

    sign_document(data, PACK, signers, at=NOW, adjust=note)
    return sorted(plans, key=lambda plan: plan.layer)


@dataclass(slots=True, eq=False)
class Desk:
    """A folder with everything a signer needs, and the trust to judge what it makes."""

    folder: Path
    key: str
    """Kind of everybody's key."""
    pki: TestPki
    signers: Signers
    data: bytes
    plans: list[Plan]

    @classmethod
    def made(cls, folder: Path, key: str = "rsa2048") -> Desk:
        """Write the files into ``folder``."""
        pki = TestPki(NOW)
        data = unsigned_document()
        signers = Signers.of(data, PACK, pki, key=key)
        desk = cls(folder, key, pki, signers, data, planned(data, signers))
        desk.unsigned.write_bytes(data)
        header = (
            PACK.binding.namespace, PACK.signature.box, PACK.binding.id_attribute, PACK.signature.role_attribute
        )  # fmt: skip
        lines = ["\t".join(header)]
        for plan in desk.plans:
            base = folder / f"key-{plan.id}"
            _write(base, plan.credential)
            words = (
                f"slot-{plan.slot}", f"box-{plan.slot}-{plan.number}", plan.role, plan.id,
                plan.at.isoformat(timespec="seconds"), str(base), " ".join(plan.uris),
            )  # fmt: skip
            lines.append("\t".join(words))
        desk.plan.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return desk

    @property
    def unsigned(self) -> Path:
        """The unsigned document."""
        return self.folder / "unsigned.xml"

    @property
    def plan(self) -> Path:
        """The plan, tab-separated."""
        return self.folder / "plan.tsv"

    def ours(self, style: Style) -> bytes:
        """The document as this project's signer signs it."""
        return sign_document(self.data, PACK, self.signers, at=NOW, style=style)

    def findings(self, data: bytes, *, must: bool = False) -> set[str]:
        """Root causes that all our checks find in the document; ``must``: of MUST requirements only."""
        context = Context(
            PACK, self.pki.trust_store(), NOW + timedelta(minutes=1), leaders=frozenset({LEADER[1]})
        )  # fmt: skip
        roots = judge_document(data, context).found.roots()
        return {one for one in roots if not must or PACK.requirements[one.partition(".")[0]].level == "MUST"}


def _write(base: Path, credential: Credential) -> None:
    """PEM for those who read PEM; PKCS#12 with the old ciphers, which .NET Framework and Mono can open."""
    old = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(PASSWORD)
    )
    key, certificate = credential.key, credential.certificate
    base.with_name(base.name + ".p12").write_bytes(
        pkcs12.serialize_key_and_certificates(b"signer", key, certificate, credential.chain, old)
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    base.with_name(base.name + ".key.pem").write_bytes(pem)
    base.with_name(base.name + ".cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    base.with_name(base.name + ".chain.pem").write_bytes(
        b"".join(one.public_bytes(Encoding.PEM) for one in credential.chain)
    )
