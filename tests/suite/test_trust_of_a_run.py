"""Trust and evidence of revocation of a run: over files by options, in the drive door by the run's own PKI."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.events import ItemResult
from conformance.evidence import StoredBundle
from conformance.pack import default_pack
from conformance.signature.responders import ocsp_answer
from conformance.signature.revocation import read_answer
from conformance.suite.asked import UsageProblem
from conformance.suite.bench import Bench as Workbench
from conformance.suite.opening import open_run
from conformance.suite.plan import plan
from conformance.suite.settings import Options
from tests.builders import NOW, valid_values
from tests.checks.test_signature_kills import DAY, Bench, on
from tests.world import world

SCHOOL = valid_values()["record"]["school_code"]


class Desk:
    """A folder with a signed document and everything to judge it with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench = Bench()
        (folder / "docs").mkdir()
        (folder / "docs" / "one.xml").write_bytes(self.bench.sound)
        (folder / "ca.pem").write_bytes(self.bench.pki.anchors_pem())
        (folder / "rubbish.txt").write_text("001099990888\n", encoding="utf-8")
        root, _, organisations = self.bench.pki.crls()
        (folder / "root.crl").write_bytes(root)
        (folder / "organisations.crl").write_bytes(organisations)
        for number, one in enumerate(self.bench.signers.people.values()):
            (folder / f"{number}.ocsp").write_bytes(ocsp_answer(self.bench.pki, one))

    def options(self, **changes: Any) -> Options:
        usual = Options(
            target=f"file:{self.folder / 'docs'}",
            evidence=str(self.folder / "evidence"),
            trust=(str(self.folder / "ca.pem"),),
            crl=tuple(str(one) for one in sorted(self.folder.glob("*.crl"))),
            ocsp=tuple(str(one) for one in sorted(self.folder.glob("*.ocsp"))),
        )
        return usual.model_copy(update=changes)

    def run(self, **changes: Any) -> ItemResult:
        """The one document, judged at the builders' time."""
        run = open_run(self.options(**changes))
        bench = Workbench(run.setup, now=lambda: NOW + DAY)
        try:
            (item,) = plan(default_pack(), run.setup)
            return bench.run(item)
        finally:
            bench.close()
            run.bundle.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def about(item: ItemResult, requirement: str) -> set[str]:
    assert not item.error
    return {one.cause for one in item.findings if one.requirement == requirement}


def test_files_are_judged_with_the_evidence_given(desk: Desk) -> None:
    item = desk.run()
    assert about(item, "PL1-CTS-002") == set()
    assert item.held["PL1-CTS-002"]["checked"] == 1
    without = desk.run(ocsp=())
    assert about(without, "PL1-CTS-002") == {"status-other-certificate"}
    assert about(desk.run(ocsp=(), crl=()), "PL1-CTS-002") == {"status-unknown"}


def test_what_was_given_is_kept_as_evidence(desk: Desk) -> None:
    desk.run()
    bundle = StoredBundle(desk.folder / "evidence")
    kept = {kind: [bundle.read(one) for one in bundle.of(kind)] for kind in ("trust", "crl", "ocsp")}
    assert kept["trust"] == [desk.bench.pki.anchors_pem()]
    assert len(kept["crl"]) == 2
    assert len(kept["ocsp"]) == len(desk.bench.signers.people)
    assert all(read_answer(one) for one in kept["ocsp"])


def test_a_seal_by_tax_code(desk: Desk) -> None:
    credential = desk.bench.pki.organisation("Trường", tax="0100109106")
    signed = desk.bench.signed(on("school-seal", lambda plan: replace(plan, credential=credential)))
    (desk.folder / "docs" / "one.xml").write_bytes(signed)
    schools = desk.folder / "schools.txt"
    schools.write_text(f"{SCHOOL}, 0100109106\n", encoding="utf-8")
    assert about(desk.run(schools=str(schools)), "PL1-CTS-005") == set()
    assert about(desk.run(), "PL1-CTS-005") == {"seal-not-known"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"trust": ("root.crl",)}, "this is a revocation list"),
        ({"crl": ("ca.pem",)}, "this is a certificate"),
        ({"ocsp": ("root.crl",)}, "this is a revocation list"),
        ({"trust": ()}, "want --trust"),
        ({"schools": "rubbish.txt"}, "school code, tax code"),
    ],
    ids=["trust", "crl", "ocsp", "no trust", "schools"],
)
def test_wrong_files_are_wrong_use(
    desk: Desk, changes: dict[str, Any], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    with pytest.raises(UsageProblem, match=text):
        open_run(desk.options(**changes))


def test_the_options_are_repeated_by_a_replay(desk: Desk) -> None:
    given = desk.options(schools="s.txt").repeat()
    assert {f"--trust={desk.folder / 'ca.pem'}", f"--ocsp={desk.folder / '0.ocsp'}", "--schools=s.txt"} <= set(given)


def test_the_drive_door_keeps_an_answer_for_every_signer() -> None:
    with world() as one:
        setup = one.run_.setup
        signers = one.bench.roster.signers()
        assert len(setup.answers) == len(signers)
        folder = one.run_.bundle.folder
        index = [json.loads(line) for line in (folder / "index.ndjson").read_text(encoding="utf-8").splitlines()]
        assert sum(entry.get("kind") == "ocsp" for entry in index) == len(signers)
        result = one.play(next(name for name in one.plan if name.startswith("THCS:")))
        assert not result.error
        assert about(result, "PL1-CTS-002") == set()
        assert result.held["PL1-CTS-002"]["checked"] >= 1
