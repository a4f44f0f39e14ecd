"""Wrong waiting, asking and telling: GN-004 to GN-007, GN-010, GN-012, DM-001."""

from __future__ import annotations

import ssl
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from conformance.pack.pointer import put
from mock_vendor.client import Answer, Line, Trouble
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.inquiring import KnownList
from mock_vendor.transcripts import Job


@defect(
    "never-tries-again",
    "Không bao giờ gửi lại",
    "Never tries again",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.no-retry",
    shows=["exchange:unavailable-twice"],
)
class OneTry(Habits):
    """One failure is enough."""

    def gives_up(self, attempt: int, most: int) -> bool:
        del attempt, most
        return True


@defect(
    "gives-up-after-two-tries",
    "Chỉ thử hai lần rồi bỏ",
    "Gives up after two tries",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.gave-up-early",
    shows=["exchange:unavailable-twice"],
)
class TwoTries(Habits):
    """Whatever it declares."""

    def gives_up(self, attempt: int, most: int) -> bool:
        del most
        return attempt >= 2


@defect(
    "reads-retry-after-in-seconds-only",
    "Không hiểu Retry-After viết bằng ngày giờ",
    "Does not understand a Retry-After that is a date",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.before-retry-after",
    shows=["exchange:too-many-date"],
)
class SecondsOnly(Habits):
    """A number, or nothing."""

    def retry_after(self, value: str, date: str) -> float | None:
        return super().retry_after(value, date) if value.strip().isdigit() else None


@defect(
    "measures-dates-on-its-own-clock",
    "Tính Retry-After bằng đồng hồ của chính mình",
    "Measures a Retry-After date on its own clock",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.before-retry-after",
    shows=["exchange:clock-off"],
)
class OwnClock(Habits):
    """Which is an hour fast."""

    def retry_after(self, value: str, date: str) -> float | None:
        if value.strip().isdigit() or not value:
            return super().retry_after(value, date)
        now = self.clock.now() + timedelta(seconds=self.clock_offset)
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())


@defect(
    "asks-on-whatever-the-service-asks",
    "Hỏi kết quả dồn dập dù dịch vụ yêu cầu chờ",
    "Goes on asking for an outcome although the service asks it to wait",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.before-retry-after",
    shows=["exchange:too-many-questions"],
)
class PollStorm(Habits):
    """Questions cost nothing."""

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        for _ in range(4):
            answer = super().ask(line, now, job)
            if answer.status != 429:
                break
        return answer


class _Repeats(Habits):
    """Takes a considered refusal for a passing trouble."""

    status = 0

    def worth_another_try(self, answer: Answer) -> bool:
        return answer.status == self.status or super().worth_another_try(answer)


@defect(
    "retries-a-400",
    "Gửi lại nguyên vẹn yêu cầu sai (400)",
    "Repeats unchanged what was refused with 400",
    expects=["PL2-GN-005"],
    cause="PL2-GN-005.repeated",
    shows=["exchange:refused-bad-request"],
)
class Repeats400(_Repeats):
    """What the service cannot read now it will read later."""

    status = 400


@defect(
    "retries-a-403",
    "Gửi lại nguyên vẹn hồ sơ không thuộc quyền (403)",
    "Repeats unchanged what was refused with 403",
    expects=["PL2-GN-005"],
    cause="PL2-GN-005.repeated",
    shows=["exchange:refused-forbidden"],
)
class Repeats403(_Repeats):
    """Somebody will give it the right meanwhile."""

    status = 403


@defect(
    "never-asks-for-the-outcome",
    "Không bao giờ hỏi kết quả tiếp nhận",
    "Never asks for the outcome",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.never-asks",
    shows=["exchange:processing"],
)
class Incurious(Habits):
    """It has its receipt."""

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        del line, now, job
        raise Trouble("không hỏi / not asked")


@defect(
    "stops-asking-early",
    "Chỉ hỏi kết quả hai lần rồi thôi",
    "Asks for the outcome twice, and never again",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.outcome-missed",
    shows=["exchange:processing"],
)
class Impatient(Habits):
    """What is not there by then will not come."""

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        asked: dict[str, int] = self.__dict__.setdefault("_asked_of", {})
        asked[job.receipt] = asked.get(job.receipt, 0) + 1
        if asked[job.receipt] > 2:
            raise Trouble("không hỏi nữa / not asked any more")
        return super().ask(line, now, job)


@defect(
    "takes-an-unknown-state-for-acceptance",
    "Coi trạng thái chưa biết là đã chấp nhận",
    "Takes a state that it does not know for acceptance",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.delivered-too-early",
    shows=["exchange:unknown-state"],
)
class Hopeful(Habits):
    """Whatever is not a refusal."""

    def state_of(self, answer: Answer) -> str:
        return super().state_of(answer) or "accepted"


@defect(
    "swallows-the-findings",
    "Báo bị từ chối mà không cho người vận hành thấy lỗi nào",
    "Tells of a refusal and shows none of its findings",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.findings-lost",
    shows=["exchange:refusal-one"],
)
class Swallowed(Habits):
    """They are in a log somewhere."""

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        del answer, learner
        return []


@defect(
    "shows-findings-of-nobody",
    "Hiện lỗi mà không nói của học sinh nào",
    "Shows findings without saying whose",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.not-tied-to-learner",
    shows=["exchange:refusal-one"],
)
class Whose(Habits):
    """With three hundred transcripts on the way."""

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        del learner
        return super().findings(answer, "")


@defect(
    "shows-findings-without-their-place",
    "Hiện lỗi mà không nói ở trường nào",
    "Shows findings without their place",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.not-tied-to-field",
    shows=["exchange:refusal-one"],
)
class Where(Habits):
    """Somewhere in the transcript."""

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        return [{**one, "field": ""} for one in super().findings(answer, learner)]


@defect(
    "stumbles-over-unknown-fields",
    "Không đọc được câu trả lời có trường lạ",
    "Cannot read an answer with fields it does not know",
    expects=["PL2-GN-010"],
    shows=["exchange:unknown-fields"],
)
class Strict(Habits):
    """Its reader was made from last year's description."""

    def answer(self, response: httpx.Response) -> Answer:
        found = super().answer(response)
        messages = self.pack.messages
        known = {path.strip("/") for name in ("receipt", "status") for path in messages[name].values()}
        plain = response.status_code in (200, 202) and "access_token" not in (found.data or {})
        if plain and found.data is not None and not set(found.data) <= known:
            return Answer(found.status, None, found.retry_after)
        return found


@defect(
    "reads-nothing-without-a-length",
    "Không đọc được câu trả lời không có Content-Length",
    "Cannot read an answer without a Content-Length",
    expects=["PL2-GN-010"],
    shows=["exchange:chunked-answer"],
)
class NeedsLength(Habits):
    """It reads as many bytes as it was told of: none."""

    def answer(self, response: httpx.Response) -> Answer:
        found = super().answer(response)
        return found if "Content-Length" in response.headers else Answer(found.status, None, found.retry_after)


@defect(
    "declares-more-patience-than-it-has",
    "Bỏ câu trả lời chậm trước thời gian chờ mà phần mềm khai",
    "Abandons slow answers earlier than it declares",
    expects=["PL2-GN-010"],
    shows=["exchange:slow-answer"],
)
class ShortTimeout(Habits):
    """A quarter of it."""

    def http_client(
        self, transport: httpx.BaseTransport | None, trusted: ssl.SSLContext, timeout: float
    ) -> httpx.Client:
        return super().http_client(transport, trusted, timeout / 4)


@defect(
    "hides-the-closed-window",
    "Không cho người vận hành biết là đã hết hạn nộp",
    "Does not tell the operator that the window is closed",
    expects=["PL2-GN-012"],
    cause="PL2-GN-012.not-shown",
    shows=["exchange:window-closed"],
)
class Closed(Habits):
    """It did not work, that is all it says."""

    def closed_message(self) -> str:
        return "Không gửi được / could not be sent"

    def door_refusal(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        text = "Không gửi được / could not be sent"
        return [{**one, "code": "LOI", "message": text} for one in super().door_refusal(answer, learner)]


@defect(
    "loads-code-lists-whole-every-time",
    "Lần nào cũng tải lại toàn bộ danh mục",
    "Loads code lists whole every time",
    expects=["PL2-DM-001"],
    cause="PL2-DM-001.unconditional",
    shows=["exchange:code-lists"],
)
class Unconditional(Habits):
    """The tag is thrown away."""

    def conditions(self, known: KnownList) -> dict[str, str]:
        del known
        return {}


@defect(
    "garbles-the-tags-of-code-lists",
    "Gửi If-None-Match không có dấu ngoặc kép của ETag",
    "Sends tags of code lists without their quotation marks",
    expects=["PL2-DM-001"],
    cause="PL2-DM-001.tag-not-known",
    shows=["exchange:code-lists"],
)
class BareTags(Habits):
    """Every list comes whole every time, and it looks as if it were asked for rightly."""

    def conditions(self, known: KnownList) -> dict[str, str]:
        return {name: tag.strip('"') for name, tag in super().conditions(known).items()}


@defect(
    "follows-up-by-the-list",
    "Theo dõi kết quả bằng danh sách hồ sơ thay vì hỏi từng mã tiếp nhận (tương đương)",
    "Reads outcomes in the list of records instead of asking receipt by receipt (equivalent)",
    expects=[],
    shows=["exchange:processing", "exchange:refusal-one"],
)
class ByList(Habits):
    """One call for thousands of transcripts; of a refusal it then asks for the findings."""

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        shown = next((one for one in self.records(line, None, None) if one["recordId"] == job.record), {})
        if shown.get("state") == "accepted":
            return self._accepted()
        looks: dict[str, int] = self.__dict__.setdefault("_looks", {})
        looks[job.receipt] = looks.get(job.receipt, 0) + 1
        return Answer(200, {}) if looks[job.receipt] < 6 else super().ask(line, now, job)

    def _accepted(self) -> Answer:
        message: dict[str, Any] = {}
        put(message, self.pack.messages["status"]["state"], self.pack.messages["states"]["accepted"])
        return Answer(200, message)


@defect(
    "asks-for-tokens-whatever-the-service-asks",
    "Xin lại mã truy cập dồn dập dù dịch vụ yêu cầu chờ",
    "Goes on asking for a token although the service asks it to wait",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.before-retry-after",
    shows=["exchange:too-many-tokens"],
)
class HastyTokens(Habits):
    """Retry-After is heeded where transcripts are sent, not where the token comes from."""

    def fetch_token(self, line: Line, now: float) -> str:
        try:
            return super().fetch_token(line, now)
        except Trouble as error:
            raise Trouble(str(error)) from error


@defect(
    "reads-answers-as-latin-1",
    "Đọc câu trả lời UTF-8 theo bảng mã khác nên lời từ chối hiện ra hỏng chữ",
    "Reads answers in UTF-8 as if they were in Latin-1, and shows refusals garbled",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.garbled",
    shows=["exchange:refusal-one", "exchange:refusal-forty"],
)
class Latin(Habits):
    """The encoding of the machine, not of JSON."""

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        found = super().findings(answer, learner)
        return [{**one, "message": one["message"].encode().decode("latin-1")} for one in found]


@defect(
    "never-gives-up-on-silence",
    "Đếm số lần bị trả lời lỗi, không đếm số lần mất kết nối hay quá thời gian: gửi lại không dứt",
    "Counts refusals, but no resets and time-outs, and so repeats those without end",
    expects=["PL2-GN-004"],
    shows=["exchange:resets-for-ever", "exchange:timeouts-for-ever"],
)
class CountsAnswersOnly(Habits):
    """A 503 is counted; what never answered was no try."""

    def submit(self, line: Line, now: float, job: Job) -> Answer:
        try:
            return super().submit(line, now, job)
        except Trouble:
            job.attempts = min(job.attempts, 1)
            raise
