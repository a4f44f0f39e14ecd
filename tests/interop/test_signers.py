"""Documents from other people's software: accepted with exactly the right warnings, refused after one altered byte.

Every platform's documents go to every platform's verifier too: where two engines disagree, a table says why.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.desk import Desk
from tests.interop.tools import ready, sign, verify

OLD_PADDING = "PL1-KY-010.pkcs1v15"
PLAIN = "PL1-KY-011.plain"
NO_ZONE = "PL1-KY-013.no-zone"
C14N, PREFIX = "PL1-KY-016.c14n", "PL1-KY-016.prefix"
SEVERAL, RETURN = "PL1-KY-016.several-x509data", "PL1-KY-016.carriage-return"

SIGNED: dict[tuple[str, str], set[str]] = {
    # the JDK breaks base64 with carriage returns unless told otherwise
    ("java", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX, RETURN},
    ("java", "portable"): {OLD_PADDING, RETURN},
    ("dotnet", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX, NO_ZONE},
    # SignedXml knows no prefix of its own
    ("dotnet", "portable"): {OLD_PADDING, PLAIN, PREFIX},
    ("xml-crypto", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX},
    ("xml-crypto", "portable"): {OLD_PADDING, PLAIN},
    # SignedProperties are referenced without a transform, and each certificate has an X509Data of its own
    ("xadesjs", "portable"): {OLD_PADDING, C14N, SEVERAL},
    ("xmlsec1", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX},
    ("xmlsec1", "portable"): {OLD_PADDING},
    ("go", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX},
    ("go", "portable"): {OLD_PADDING, PLAIN},
    ("php", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX, NO_ZONE},
    ("php", "portable"): {OLD_PADDING},
    ("xmlseclibs", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX},
    ("xmlseclibs", "portable"): {OLD_PADDING, PLAIN},
    ("perl", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX},
    ("perl", "portable"): {OLD_PADDING},
    # line ends as the JDK's
    ("santuario", "invoice"): {OLD_PADDING, PLAIN, C14N, PREFIX, RETURN},
    ("santuario", "portable"): {OLD_PADDING, RETURN},
    ("signxml", "portable"): {OLD_PADDING},
}
"""Signer and style → all that our checks may say of its document."""
NAMES = [f"{tool}-{style}" for tool, style in SIGNED]
VERIFIERS = ("java", "dotnet", "xml-crypto", "xadesjs", "xmlsec1", "go", "santuario", "php", "xmlseclibs", "perl")

SLOW = {"xml-crypto"}
"""Programs that take a fifth of a second a signature: of some signers they verify no document."""
NOT_FOR_SLOW = {
    ("php", "invoice"),
    ("xmlseclibs", "invoice"),
    ("xmlseclibs", "portable"),
    ("perl", "invoice"),
    ("perl", "portable"),
    ("santuario", "invoice"),
    ("santuario", "portable"),
}

FIRST_LAYER = "subject-teacher"
DISAGREE = {
    ("dotnet", "java-invoice"): "SignedXml writes and reads again what it digests; a carriage return in base64 becomes "
    "a line feed on the way, so every signature that covers such a signature fails",
    ("dotnet", "java-portable"): "the same carriage returns",
    ("dotnet", "santuario-invoice"): "the same carriage returns",
    ("dotnet", "santuario-portable"): "the same carriage returns",
}
"""Verifier and document → why the layers above the teachers' signatures are refused there."""


class Documents:
    """Signed documents of this process, each made once."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._made: dict[tuple[str, str], Path] = {}

    def get(self, tool: str, style: str) -> Path:
        """The document; skips or fails where the tool is missing."""
        key = (tool, style)
        if key not in self._made:
            built = ready(tool)
            path = self.desk.folder / f"{tool}-{style}.xml"
            sign(built, style, self.desk.unsigned, self.desk.plan, path)
            self._made[key] = path
        return self._made[key]


@pytest.fixture(scope="module")
def documents(desk: Desk) -> Documents:
    return Documents(desk)


@pytest.mark.parametrize(("tool", "style"), list(SIGNED), ids=NAMES)
def test_a_document_of_the_platform_is_accepted_with_exactly_the_right_warnings(
    documents: Documents, tool: str, style: str
) -> None:
    data = documents.get(tool, style).read_bytes()
    assert documents.desk.findings(data) == SIGNED[tool, style]


@pytest.mark.parametrize(("tool", "style"), list(SIGNED), ids=NAMES)
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"<DiemCaNam>8.3<", b"<DiemCaNam>8.4<", {"PL1-KY-006.value-edited"}),
        (b"<NxetGvcn>", b"<NxetGvcn> ", {"PL1-KY-006.whitespace"}),
        (b"09:00:00", b"09:00:01", {"PL1-KY-006.value-changed", "PL1-KY-006.properties-changed"}),
    ],
    ids=["mark", "space", "signing time"],
)
def test_one_altered_byte_is_refused(
    documents: Documents, tool: str, style: str, old: bytes, new: bytes, expected: set[str]
) -> None:
    data = documents.get(tool, style).read_bytes()
    if old == b"09:00:00" and old not in data:
        old, new = b"02:00:00", b"02:00:01"  # written in UTC
    assert old in data
    found = documents.desk.findings(data.replace(old, new, 1), must=True)
    causes = {one for one in found if one.startswith(("PL1-KY-", "PL1-CTS-"))}
    assert len(causes) == 1, causes
    assert causes <= expected


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_engines_agree_on_the_documents_of_all_platforms(documents: Documents, verifier: str) -> None:
    tool = ready(verifier)
    wanted = [one for one in SIGNED if verifier not in SLOW or one not in NOT_FOR_SLOW]
    files = {f"{one}-{style}": documents.get(one, style) for one, style in wanted}
    said = verify(tool, list(files.values()))
    ids = [plan.id for plan in documents.desk.plans]
    for name, path in files.items():
        good = {identifier: verdict == "ok" for identifier, verdict in said[path].items()}
        expected = {one: (verifier, name) not in DISAGREE or FIRST_LAYER in one for one in ids}
        assert good == expected, f"{name}: {said[path]}"


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_an_altered_mark_breaks_the_same_signatures_everywhere(documents: Documents, verifier: str) -> None:
    tool = ready(verifier)
    data = documents.get(verifier, "portable").read_bytes()
    altered = documents.desk.folder / f"altered-{verifier}.xml"
    altered.write_bytes(data.replace(b"<DiemCaNam>8.3<", b"<DiemCaNam>8.4<", 1))
    said = verify(tool, [altered])[altered]
    broken = {identifier for identifier, verdict in said.items() if verdict != "ok"}
    above = {plan.id for plan in documents.desk.plans if plan.layer}
    # mathematics has the first mark of 8.3, and the second teacher
    assert broken == {"sig-subject-teacher-2", *above}
    assert len(said) == len(documents.desk.plans)
