"""What is sent to the Ministry and what its answers say: message fields by JSON pointer, all from the pack."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from conformance.pack.pointer import get, put
from mock_vendor.client import Answer, Connecting, Line
from mock_vendor.transcripts import Delivery, Job

CONFLICTS = ("version-taken", "version-order", "record-exists", "record-unknown")


class Mailing(Connecting):
    """How the software submits. Methods are seams that a named defect may replace."""

    @cached_property
    def state_names(self) -> dict[str, str]:
        """The pack's name of a state by its wire word."""
        return {word: name for name, word in self.pack.messages["states"].items()}

    def envelope(self, job: Job) -> dict[str, Any]:
        """The submission's message; the same at every try."""
        fields, events = self.pack.messages["submission"], self.pack.messages["events"]
        message: dict[str, Any] = {}
        put(message, fields["record"], job.record)
        put(message, fields["event"], events[job.event or ("new" if job.version == 1 else "update")])
        put(message, fields["version"], job.version)
        put(message, fields["updated"], job.queued.replace(tzinfo=None).isoformat(timespec="seconds"))
        put(message, fields["content"], base64.b64encode(self.sent_bytes(job)).decode())
        return message

    def sent_bytes(self, job: Job) -> bytes:
        """The document as it is sent: the issued bytes."""
        return job.content

    def submit(self, line: Line, now: float, job: Job) -> Answer:
        """Send a submission."""
        method, url = self.url(line, "submit")
        return self.call(line, now, method, url, json.dumps(self.envelope(job), ensure_ascii=False).encode())

    def batch_limit(self) -> int:
        """The most items of a batch."""
        return int(self.pack.messages["batch-limit"])

    def batch_bytes(self) -> int:
        """The most bytes of a batch."""
        return int(self.pack.messages["batch-bytes"])

    def submit_batch(self, line: Line, now: float, jobs: Sequence[Job]) -> Answer:
        """Send several submissions at once."""
        method, url = self.url(line, "submit-batch")
        message: dict[str, Any] = {}
        put(message, self.pack.messages["batch"]["items"], [self.envelope(job) for job in jobs])
        return self.call(line, now, method, url, json.dumps(message, ensure_ascii=False).encode())

    def batch_results(self, answer: Answer, jobs: Sequence[Job]) -> list[Answer | None]:
        """The answer to each item, ``None`` where there is none that can be read."""
        fields = self.pack.messages["batch-result"]
        listed = get(answer.data, self.pack.messages["batch"]["results"])
        found: list[Answer | None] = [None] * len(jobs)
        for one in listed if isinstance(listed, list) else []:
            index = get(one, fields["index"]) if isinstance(one, dict) else None
            if isinstance(index, int) and 0 <= index < len(jobs):
                found[index] = self.item_answer(one)
        return found

    def item_answer(self, item: dict[str, Any]) -> Answer | None:
        """An item's result, as an answer to it alone would be."""
        fields = self.pack.messages["batch-result"]
        problem, receipt = get(item, fields["problem"]), get(item, fields["id"])
        if isinstance(problem, dict):
            status = get(problem, self.pack.messages["problem"]["status"])
            return Answer(status if isinstance(status, int) else 422, problem)
        if not isinstance(receipt, str):
            return None
        message: dict[str, Any] = {}
        put(message, self.pack.messages["receipt"]["id"], receipt)
        put(message, self.pack.messages["receipt"]["state"], get(item, fields["state"]))
        return Answer(202, message)

    def resent(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of a batch that are sent when its time comes: those without a receipt."""
        return [job for job in jobs if not job.receipt]

    def sent_along(self, batch: Sequence[tuple[Delivery, Job]]) -> Sequence[tuple[Delivery, Job]]:
        """What of a batch is sent again when another item of it is refused: nothing."""
        del batch
        return ()

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        """Ask for the state of a submission."""
        method, url = self.url(line, "status", receipt=job.receipt)
        return self.call(line, now, method, url)

    def receipt_of(self, answer: Answer) -> str:
        """The receipt in an answer; empty when the answer holds none that can be read."""
        found = get(answer.data, self.pack.messages["receipt"]["id"])
        return found if isinstance(found, str) else ""

    def state_of(self, answer: Answer) -> str:
        """The pack's name of the state in a status answer; empty when it is unknown."""
        found = get(answer.data, self.pack.messages["status"]["state"])
        return self.state_names.get(found, "") if isinstance(found, str) else ""

    def worth_another_try(self, answer: Answer) -> bool:
        """Whether the same submission may be sent again later (RFC 9110): never after a considered refusal."""
        if answer.status == 409:
            return bool(self.problem_code(answer) == self.pack.messages["errors"]["being-checked"]["code"])
        return answer.status in (408, 429) or answer.status in range(200, 400) or answer.status >= 500

    def is_conflict(self, answer: Answer) -> bool:
        """Whether the Ministry holds another version than this software believes."""
        errors = self.pack.messages["errors"]
        return answer.status == 409 and self.problem_code(answer) in [errors[name]["code"] for name in CONFLICTS]

    def is_closed(self, answer: Answer) -> bool:
        """Whether the submission window is closed."""
        return bool(self.problem_code(answer) == self.pack.messages["errors"]["window-closed"]["code"])

    def closed_message(self) -> str:
        """What the operator is told then."""
        return (
            "Đã hết hạn nộp của năm học này; gửi lại khi Bộ mở lại / "
            "the submission window of this school year is closed; send again once the Ministry opens it"
        )

    def problem_code(self, answer: Answer) -> str:
        """The error code in a problem answer."""
        found = get(answer.data, self.pack.messages["problem"]["code"])
        return found if isinstance(found, str) else ""

    def pause(self, attempt: int, first: float, longest: float, asked: float | None) -> float:
        """Seconds before the next try: doubling, never less than the service asked for."""
        grown = min(first * 2.0 ** (attempt - 1), longest)
        return max(float(grown), asked or 0.0)

    def gives_up(self, attempt: int, most: int) -> bool:
        """Whether that was the last try."""
        return attempt >= most

    def give_up_message(self, attempts: int, last: str) -> str:
        """What the operator is told then."""
        return f"Đã dừng sau {attempts} lần gửi / gave up after {attempts} tries: {last}"

    def state_after_receipt(self) -> str:
        """What the operator sees once the Ministry has the submission."""
        return "receipted"

    def door_refusal(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        """A refusal at the door, as shown to the operator."""
        problem = self.pack.messages["problem"]
        text = get(answer.data, problem["detail"]) or get(answer.data, problem["title"]) or ""
        return [
            {
                "code": self.problem_code(answer) or f"HTTP {answer.status}",
                "requirement": str(get(answer.data, problem["requirement"]) or ""),
                "field": "/",
                "message": str(text) or f"HTTP {answer.status}",
                "learner": learner,
            }
        ]

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        """The findings of a refused transcript, tied to learner and field."""
        listed = get(answer.data, self.pack.messages["status"]["findings"])
        names = self.pack.messages["finding"]
        return [
            {
                "code": str(get(one, names["code"]) or ""),
                "requirement": str(get(one, names["requirement"]) or ""),
                "field": str(get(one, names["place"]) or "/"),
                "message": str(get(one, names["text"]) or ""),
                "learner": learner,
            }
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, dict)
        ]
