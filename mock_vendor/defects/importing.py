"""Wrong receiving: TC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509

from mock_vendor.client import Answer, Line
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.inquiring import Received, Standing
from mock_vendor.reading import Element
from mock_vendor.reasons import Reason, Refused
from mock_vendor.register import PRINCIPAL, TEACHER
from mock_vendor.trusting import Named, Trust
from mock_vendor.verifying import Mark


@defect(
    "imports-without-verifying",
    "Nhập học bạ mà không xác minh gì",
    "Imports without verifying anything",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-edited", "exchange:import-wrapped", "exchange:import-signature-missing"],
)
class Believing(Habits):
    """It came from the Ministry, so it will be right."""

    def verified(self, data: bytes, trust: Trust, now: datetime) -> tuple[list[Reason], Element | None]:
        del trust, now
        return [], self.parsed(data)


@defect(
    "checks-signatures-not-what-they-cover",
    "Chỉ kiểm tra chữ ký của giáo viên có đúng không, không xem phủ phần nào",
    "Checks that the teachers' signatures verify, not what they cover",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-wrapped"],
)
class LooksElsewhere(Habits):
    """The signed mark is somewhere in the file; what is read is somewhere else."""

    def verified(self, data: bytes, trust: Trust, now: datetime) -> tuple[list[Reason], Element | None]:
        del trust, now
        root = self.parsed(data)
        return self.broken(root, [mark for mark in self.marks(root) if mark.slot.name == TEACHER]), root


@defect(
    "imports-what-was-edited",
    "Nhập học bạ đã bị sửa sau khi ký",
    "Imports what was edited after signing",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-edited", "exchange:import-lifted", "exchange:import-reindented"],
)
class NoDigests(Habits):
    """Who signed is looked at, not whether the signature verifies."""

    def broken(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        del root, marks
        return []

    def signed_content(self, root: Element, marks: Sequence[Mark]) -> Element:
        del marks
        return root


@defect(
    "looks-at-the-principals-signature-only",
    "Chỉ kiểm tra chữ ký của hiệu trưởng",
    "Looks at the principal's signature only",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-signature-missing"],
)
class PrincipalOnly(Habits):
    """He will have seen to the rest."""

    def absent(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        return [one for one in super().absent(root, marks) if one.role != TEACHER]


@defect(
    "imports-without-the-principal",
    "Nhập học bạ thiếu chữ ký hiệu trưởng",
    "Imports a transcript that the principal has not signed",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-principal-missing"],
)
class NoPrincipal(Habits):
    """The teachers' signatures are enough for it."""

    def absent(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        return [one for one in super().absent(root, marks) if one.role != PRINCIPAL]

    def signed_content(self, root: Element, marks: Sequence[Mark]) -> Element:
        del marks
        return root


@defect(
    "believes-any-authority",
    "Tin mọi chứng thư, không cần đường tới điểm tin cậy",
    "Believes certificates of any authority",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-foreign-trust", "exchange:import-self-signed"],
)
class AnyAuthority(Habits):
    """A certificate in the file vouches for itself."""

    def untrusted(self, chain: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        return [one for one in super().untrusted(chain, trust, at) if one.code != "UNTRUSTED"]


@defect(
    "never-reads-revocation-lists",
    "Không xem chứng thư có bị thu hồi không",
    "Never reads revocation lists",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-revoked-certificate"],
)
class NoLists(Habits):
    """A lost card signs as well as any."""

    def revoked(self, path: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        del path, trust, at
        return []


@defect(
    "ignores-when-certificates-end",
    "Không xem chứng thư còn hạn lúc ký không",
    "Ignores that a certificate had ended when it signed",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-expired-certificate"],
)
class Timeless(Habits):
    """Validity is something for browsers."""

    def untrusted(self, chain: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        return [one for one in super().untrusted(chain, trust, at) if one.code != "EXPIRED_CERT"]


@defect(
    "takes-anybody-for-the-signer",
    "Không xem người ký có phải người được nêu trong học bạ không",
    "Takes anybody for the person whom the document names",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-other-person"],
)
class Anybody(Habits):
    """A good certificate is a good certificate."""

    def is_person(self, certificate: x509.Certificate, person: Named) -> bool:
        del certificate, person
        return True


@defect(
    "takes-weak-algorithms",
    "Chấp nhận chữ ký dùng thuật toán đã bị loại bỏ",
    "Takes signatures with algorithms of yesterday",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-weak-algorithm"],
)
class AnyAlgorithm(Habits):
    """Whatever its library can compute."""

    def is_allowed(self, algorithm: str) -> bool:
        del algorithm
        return True


@defect(
    "imports-what-is-superseded",
    "Nhập phiên bản đã bị thay thế",
    "Imports a superseded version",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-superseded"],
)
class Outdated(Habits):
    """It asks what is in force, and looks at the answer for one thing only."""

    def force_reasons(self, received: Received, standing: Standing) -> list[Reason]:
        return [one for one in super().force_reasons(received, standing) if one.code != "SUPERSEDED"]


@defect(
    "imports-what-is-revoked",
    "Nhập học bạ đã bị thu hồi",
    "Imports a revoked transcript",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-revoked-record"],
)
class Withdrawn(Habits):
    """The newest version is the newest version."""

    def force_reasons(self, received: Received, standing: Standing) -> list[Reason]:
        return [one for one in super().force_reasons(received, standing) if one.code != "REVOKED_RECORD"]


@defect(
    "refuses-without-saying-why",
    "Từ chối nhập mà không nêu đúng lý do",
    "Refuses imports without saying why",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.other-reason",
    shows=["exchange:import-edited", "exchange:import-superseded"],
)
class Wordless(Habits):
    """The document is no good, and that is all it says."""

    def told(self, reasons: list[Reason]) -> list[Reason]:
        return [Reason("OTHER", message="không nhập được / cannot be imported") for _ in reasons]


@defect(
    "imports-names-in-capitals",
    "Ghi họ tên học sinh bằng chữ in hoa khi nhập",
    "Takes over names in capital letters",
    expects=["PL2-TC-002"],
    cause="PL2-TC-002.value-differs",
    shows=["exchange:import-sound"],
)
class Capitals(Habits):
    """As its own database has them."""

    def imported(self, root: Element) -> dict[str, Any]:
        found = super().imported(root)
        return {**found, "learner": {**found["learner"], "name": found["learner"]["name"].upper()}}


@defect(
    "takes-semesters-for-years",
    "Nhập điểm học kì I vào chỗ điểm cả năm",
    "Takes over the first semester's result as the year's",
    expects=["PL2-TC-002"],
    cause="PL2-TC-002.value-differs",
    shows=["exchange:import-sound"],
)
class FirstSemester(Habits):
    """Columns are counted from the wrong side."""

    def read_subject(self, one: Element) -> dict[str, Any]:
        found = super().read_subject(one)
        mark = found.get("semester1", "")
        return {**found, "year": "0" if mark == found.get("year") else mark} if "year" in found else found


@defect(
    "loses-year-marks-on-import",
    "Không nhập kết quả cả năm của các môn",
    "Does not take over the results of the year",
    expects=["PL2-TC-002"],
    cause="PL2-TC-002.value-missing",
    shows=["exchange:import-sound"],
)
class NoYear(Habits):
    """It means to compute them itself, some day."""

    def read_subject(self, one: Element) -> dict[str, Any]:
        return {name: value for name, value in super().read_subject(one).items() if name != "year"}


@defect(
    "swallows-why-an-authorisation-fails",
    "Không nói vì sao mã ủy quyền không dùng được",
    "Does not say why an authorisation cannot be used",
    expects=["PL2-TC-003"],
    cause="PL2-TC-003.not-reported",
    shows=["exchange:authorisation-expired", "exchange:authorisation-foreign"],
)
class Mute(Habits):
    """An error is an error."""

    def reason_of(self, answer: Answer) -> Reason:
        return Reason("OTHER", message=f"HTTP {answer.status}")


@defect(
    "calls-every-authorisation-expired",
    "Lý do nào cũng báo là mã ủy quyền hết hạn",
    "Calls every authorisation that fails expired",
    expects=["PL2-TC-003"],
    cause="PL2-TC-003.not-reported",
    shows=["exchange:authorisation-foreign", "exchange:authorisation-used"],
)
class AlwaysExpired(Habits):
    """One message for all of them."""

    def reason_of(self, answer: Answer) -> Reason:
        found = super().reason_of(answer)
        return Reason("AUTH_EXPIRED", message=found.message) if found.code.startswith("AUTH_") else found


class _Trusting(Habits):
    """Takes silence about what is in force for consent."""

    def standing(self, line: Line, record: str, authorisation: str) -> Standing:
        try:
            return super().standing(line, record, authorisation)
        except Refused:
            return Standing(None, "", revoked=False)

    def force_reasons(self, received: Received, standing: Standing) -> list[Reason]:
        return super().force_reasons(received, standing) if standing.digest else []


@defect(
    "takes-a-used-authorisation-for-success",
    "Mã ủy quyền đã dùng thì coi như nhập thành công lần nữa",
    "Takes a used authorisation for another success",
    expects=["PL2-TC-003"],
    cause="PL2-TC-003.imported",
    shows=["exchange:authorisation-used"],
)
class OnceMore(_Trusting):
    """What it got last is what it gets."""

    _last: tuple[Received, ...] = ()

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        try:
            found = super().retrieved(line, authorisation, purpose, school)
        except Refused as refused:
            if self._last and any(one.code == "AUTH_USED" for one in refused.reasons):
                return list(self._last)
            raise
        self._last = tuple(found)
        return found


@defect(
    "imports-for-any-purpose",
    "Không nói mục đích khi tra cứu, nên dùng cả ủy quyền cho việc khác",
    "Does not say for what it retrieves, and so uses authorisations for something else",
    expects=["PL2-TC-003"],
    cause="PL2-TC-003.imported",
    shows=["exchange:authorisation-purpose"],
)
class AnyPurpose(Habits):
    """A code is a code."""

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        del purpose
        return super().retrieved(line, authorisation, None, school)


@defect(
    "counts-an-authorisation-as-used-too-early",
    "Coi mã ủy quyền là đã dùng dù chưa nhận được câu trả lời",
    "Counts an authorisation as used before it has the answer",
    expects=["PL2-TC-003"],
    cause="PL2-TC-003.given-up",
    shows=["exchange:authorisation-lost-answer"],
)
class CrossedOff(Habits):
    """Asked once, crossed off."""

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        asked: set[str] = self.__dict__.setdefault("_asked", set())
        if authorisation in asked:
            raise Refused(409, [Reason("AUTH_USED", message="đã hỏi rồi / asked before")])
        asked.add(authorisation)
        return super().retrieved(line, authorisation, purpose, school)

    def tries(self) -> int:
        return 1


@defect(
    "imports-when-nobody-says-what-is-in-force",
    "Không hỏi được hiệu lực thì vẫn nhập",
    "Imports although the service does not say what is in force",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-in-force-unknown"],
)
class InGoodFaith(_Trusting):
    """No answer is no objection."""


@defect(
    "counts-signatures-on-import",
    "Chỉ đếm chữ ký giáo viên cho đủ số môn, không xem môn nào do ai ký",
    "Counts the teachers' signatures and does not see which subject each is for",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-signature-missing"],
)
class Counting(Habits):
    """As many as there should be, all of them good."""

    def absent(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        enough = sum(slot == TEACHER for slot, _, _ in self.named(root))
        found = super().absent(root, marks)
        if sum(mark.slot.name == TEACHER for mark in marks) < enough:
            return found
        return [one for one in found if one.role != TEACHER]

    def strangers(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        return [one for one in super().strangers(root, marks) if one.role != TEACHER]


@defect(
    "verifies-the-first-of-several",
    "Một mã ủy quyền giao nhiều học bạ thì chỉ xác minh bản đầu",
    "Verifies only the first of several transcripts that one authorisation hands out",
    expects=["PL2-TC-001"],
    cause="PL2-TC-001.imported-bad",
    shows=["exchange:import-two-years"],
)
class VerifiesTheFirst(Habits):
    """The others come in the same answer."""

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        found = super().retrieved(line, authorisation, purpose, school)
        self.__dict__["unread"] = {one.content for one in found[1:]}
        return found

    def verified(self, data: bytes, trust: Trust, now: datetime) -> tuple[list[Reason], Element | None]:
        return ([], self.parsed(data)) if data in self.__dict__["unread"] else super().verified(data, trust, now)


@defect(
    "imports-the-first-of-several",
    "Một mã ủy quyền giao nhiều học bạ thì chỉ nhập bản đầu",
    "Imports only the first of several transcripts that one authorisation hands out",
    expects=["PL2-TC-001", "PL2-TC-002"],
    shows=["exchange:import-two-years"],
)
class ImportsTheFirst(Habits):
    """The answer is a list, and lists have a first element."""

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        return super().retrieved(line, authorisation, purpose, school)[:1]
