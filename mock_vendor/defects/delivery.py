"""Wrong dealings with the Ministry's service: XT, GN."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
from lxml import etree

from conformance.pack.pointer import put
from mock_vendor.client import Answer, BadCredentials, Line, Trouble
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.transcripts import Job


@defect(
    "puts-the-token-in-the-url",
    "Gửi mã truy cập trong URL",
    "Sends its token in the URL",
    expects=["PL2-XT-001"],
    cause="PL2-XT-001.token-in-url",
    shows=["THCS:thcs-plain", "exchange:processing"],
)
class TokenInUrl(Habits):
    """As a query parameter, beside the header: it ends up in every log on the way."""

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return super().request(line, method, f"{url}?access_token={token}", token, body, more)


@defect(
    "never-renews-its-token",
    "Không xin lại mã truy cập khi bị từ chối",
    "Does not renew a refused token",
    expects=["PL2-XT-002"],
    shows=["exchange:token-refused-at-submit"],
)
class OneToken(Habits):
    """The first 401 ends everything; what was lost is only a token."""

    def call(
        self,
        line: Line,
        now: float,
        method: str,
        url: str,
        body: bytes | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        token = self.fetch_token(line, now)
        try:
            answer = self.answer(self.request(line, method, url, token, body, more))
        except httpx.HTTPError as error:
            raise Trouble(type(error).__name__) from error
        if answer.status == 401:
            line.token = ""
            raise BadCredentials("HTTP 401")
        return answer


@defect(
    "hammers-on-401",
    "Xin mã truy cập liên tục dù thông tin đăng nhập sai",
    "Asks for tokens over and over although its credentials are bad",
    expects=["PL2-XT-002"],
    cause="PL2-XT-002.hammers",
    shows=["exchange:bad-credentials"],
)
class Hammering(Habits):
    """Twelve tries, no wait."""

    def fetch_token(self, line: Line, now: float) -> str:
        for _ in range(11):
            try:
                return super().fetch_token(line, now)
            except BadCredentials:
                line.token = ""
        return super().fetch_token(line, now)


@defect(
    "sends-other-bytes",
    "Gửi lên Bộ bản khác với bản đã phát hành",
    "Sends other bytes than it issued",
    expects=["PL2-GN-001"],
    cause="PL2-GN-001.other-bytes",
    shows=["THCS:thcs-plain", "exchange:processing"],
)
class OtherBytes(Habits):
    """The file is written anew on its way out: one line break more."""

    def sent_bytes(self, job: Job) -> bytes:
        return super().sent_bytes(job) + b"\n"


@defect(
    "calls-new-records-updates",
    "Gửi học bạ mới với sự kiện sửa đổi",
    "Submits new transcripts as updates",
    expects=["PL2-GN-002"],
    cause="PL2-GN-002.event-differs",
    shows=["THCS:thcs-plain"],
)
class AlwaysUpdate(Habits):
    """The envelope contradicts version 1."""

    def envelope(self, job: Job) -> dict[str, Any]:
        message = super().envelope(job)
        put(message, self.pack.messages["submission"]["event"], self.pack.messages["events"]["update"])
        return message


@defect(
    "resubmits-under-new-identifier",
    "Mất câu trả lời thì gửi lại với mã định danh mới",
    "Resubmits under a new identifier after a lost answer",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.new-identifier",
    shows=["exchange:reset-after", "exchange:timeout-after"],
)
class NewIdentifier(Habits):
    """Every try is a new record."""

    def envelope(self, job: Job) -> dict[str, Any]:
        message = super().envelope(job)
        if job.attempts > 1:
            put(message, self.pack.messages["submission"]["record"], str(uuid.uuid4()))
        return message


@defect(
    "ignores-retry-after",
    "Không chờ theo Retry-After",
    "Does not wait as Retry-After asks",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.before-retry-after",
    shows=["exchange:too-many-seconds", "exchange:too-many-date"],
)
class Impatient(Habits):
    """Its own waits only."""

    def pause(self, attempt: int, first: float, longest: float, asked: float | None) -> float:
        del asked
        return super().pause(attempt, first, longest, None)


@defect(
    "waits-always-the-same",
    "Thử lại với khoảng chờ không tăng",
    "Retries at waits that do not grow",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.waits-do-not-grow",
    shows=["exchange:unavailable-for-ever"],
)
class SteadyWaits(Habits):
    """The first wait again and again."""

    def pause(self, attempt: int, first: float, longest: float, asked: float | None) -> float:
        del attempt
        return super().pause(1, first, longest, asked)


@defect(
    "never-gives-up",
    "Gửi lại không bao giờ dừng",
    "Never gives up retrying",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.never-gives-up",
    shows=["exchange:unavailable-for-ever"],
)
class Endless(Habits):
    """No last try."""

    def gives_up(self, attempt: int, most: int) -> bool:
        del attempt, most
        return False


@defect(
    "gives-up-silently",
    "Dừng gửi mà không báo cho người vận hành",
    "Gives up without telling the operator",
    expects=["PL2-GN-004"],
    cause="PL2-GN-004.gave-up-silently",
    shows=["exchange:unavailable-for-ever"],
)
class Silent(Habits):
    """The state changes; nobody is told why."""

    def give_up_message(self, attempts: int, last: str) -> str:
        del attempts, last
        return ""


@defect(
    "retries-a-422",
    "Gửi lại nguyên vẹn hồ sơ đã bị từ chối (422)",
    "Repeats unchanged what was refused with 422",
    expects=["PL2-GN-005"],
    cause="PL2-GN-005.repeated",
    shows=["exchange:refused-not-a-transcript"],
)
class Stubborn(Habits):
    """A considered refusal is taken for a passing trouble."""

    def worth_another_try(self, answer: Answer) -> bool:
        return answer.status == 422 or super().worth_another_try(answer)


@defect(
    "shows-202-as-delivered",
    "Hiện là đã nộp ngay khi mới được tiếp nhận (202)",
    "Shows a 202 as delivered",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.delivered-too-early",
    shows=["THCS:thcs-plain", "exchange:processing"],
)
class TooSure(Habits):
    """The receipt counts as the outcome; nobody asks any further."""

    def state_after_receipt(self) -> str:
        return "delivered"


@defect(
    "shows-one-finding-only",
    "Chỉ cho người vận hành thấy lỗi đầu tiên trong các lỗi Bộ trả về",
    "Shows the operator the first of the Ministry's findings only",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.findings-lost",
    shows=["exchange:refusal-forty"],
)
class OneFinding(Habits):
    """The rest is swallowed."""

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        return super().findings(answer, learner)[:1]


@defect(
    "takes-garbage-for-success",
    "Coi câu trả lời không đọc được là thành công",
    "Takes an unreadable answer for success",
    expects=["PL2-GN-009"],
    cause="PL2-GN-009.taken-as-success",
    shows=["exchange:garbage-at-submit", "exchange:truncated-at-submit"],
)
class AnyAnswerWillDo(Habits):
    """2xx is enough; a receipt is made up."""

    def receipt_of(self, answer: Answer) -> str:
        return super().receipt_of(answer) or "khong-ro"


@defect(
    "writes-the-file-anew-when-it-sends-again",
    "Gửi lại thì ghi ra XML mới, thụt lề khác",
    "Writes the file anew, with other indentation, when it sends again",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.other-bytes",
    shows=["exchange:reset-after"],
)
class Reindents(Habits):
    """It keeps objects, not bytes."""

    def sent_bytes(self, job: Job) -> bytes:
        if job.attempts <= 1:
            return super().sent_bytes(job)
        root = etree.fromstring(super().sent_bytes(job))
        etree.indent(root)
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


@defect(
    "takes-a-409-for-success",
    "Coi 409 là đã có rồi, tức là đã nộp",
    "Takes a 409 to mean that it is there already: delivered",
    expects=["PL2-GN-005"],
    cause="PL2-GN-005.false-success",
    shows=["exchange:refused-conflict"],
)
class AlreadyThere(Habits):
    """What is there it does not look at."""

    receipt = "0" * 32

    def submit(self, line: Line, now: float, job: Job) -> Answer:
        answer = super().submit(line, now, job)
        return Answer(202, self._told("receipt", "id", self.receipt)) if answer.status == 409 else answer

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        if job.receipt != self.receipt:
            return super().ask(line, now, job)
        return Answer(200, self._told("status", "state", self.pack.messages["states"]["accepted"]))

    def _told(self, name: str, field: str, value: str) -> dict[str, Any]:
        message: dict[str, Any] = {}
        put(message, self.pack.messages[name][field], value)
        return message


@defect(
    "takes-a-garbled-state-for-acceptance",
    "Coi trang lỗi có mã 200 khi hỏi kết quả là đã chấp nhận",
    "Takes a page of errors under a 200, where a state was asked for, for acceptance",
    expects=["PL2-GN-009"],
    cause="PL2-GN-009.taken-as-success",
    shows=["exchange:garbage-at-status"],
)
class TwoHundredIsFine(Habits):
    """It looks at the status only."""

    def state_of(self, answer: Answer) -> str:
        return "accepted" if answer.data is None else super().state_of(answer)


@defect(
    "sends-amendments-as-new-records",
    "Gửi phiên bản sửa đổi với sự kiện của học bạ mới",
    "Submits amended versions as new records",
    expects=["PL2-GN-002"],
    cause="PL2-GN-002.event-differs",
    shows=["exchange:amendment"],
)
class AlwaysNew(Habits):
    """Everything that it sends is new to it."""

    def envelope(self, job: Job) -> dict[str, Any]:
        message = super().envelope(job)
        put(message, self.pack.messages["submission"]["event"], self.pack.messages["events"]["new"])
        return message


@defect(
    "says-nothing-of-a-422",
    "Bị từ chối ngay tại cửa (422) thì hồ sơ nằm im trong hàng chờ",
    "Leaves what is refused at the door (422) in its queue and says nothing",
    expects=["PL2-GN-007"],
    cause="PL2-GN-007.not-shown-as-refused",
    shows=["exchange:refused-not-a-transcript"],
)
class DeadLetter(Habits):
    """Only somebody who reads the log would know."""

    def submit(self, line: Line, now: float, job: Job) -> Answer:
        if job.attempts > 1:
            raise Trouble("không gửi nữa / not sent any more")
        answer = super().submit(line, now, job)
        return Answer(503, None, 3600.0) if answer.status == 422 else answer


@defect(
    "shows-superseded-as-delivered",
    "Dịch vụ báo học bạ đã bị thay thế mà vẫn hiện là đã nộp xong",
    "Shows a transcript as delivered when the service says that it is superseded",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.delivered-too-early",
    shows=["exchange:superseded-meanwhile"],
)
class SupersededIsFine(Habits):
    """It had been accepted once, so it counts as done."""

    def state_of(self, answer: Answer) -> str:
        found = super().state_of(answer)
        return "accepted" if found == "superseded" else found


@defect(
    "looks-for-acceptance-anywhere",
    "Tìm từ chỉ chấp nhận trong cả câu trả lời, thấy cả khi nó là một phần của từ khác",
    "Searches the whole answer for the word of acceptance, and finds it inside other words",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.delivered-too-early",
    shows=["exchange:unknown-state"],
)
class Searches(Habits):
    """No parser where a search will do."""

    def state_of(self, answer: Answer) -> str:
        found = self.pack.messages["states"]["accepted"] in json.dumps(answer.data)
        return "accepted" if found else super().state_of(answer)


@defect(
    "takes-the-first-receipt-it-finds",
    "Lấy mã tiếp nhận đầu tiên tìm thấy trong câu trả lời, dù nằm trong trường khác",
    "Takes the first receipt that it finds in an answer, in whatever field that stands",
    expects=["PL2-GN-010"],
    shows=["exchange:unknown-fields"],
)
class FirstMatch(Habits):
    """The answer is searched for a name and a colon."""

    def receipt_of(self, answer: Answer) -> str:
        name = self.pack.messages["receipt"]["id"].rpartition("/")[2]
        found = re.search(rf'"{re.escape(name)}": "([^"]*)"', json.dumps(answer.data))
        return found[1] if found else super().receipt_of(answer)
