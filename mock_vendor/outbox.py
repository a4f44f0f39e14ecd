"""Background work: sends what is queued, follows it up, retries, gives up; tells the operator."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from mock_vendor.client import Answer, BadCredentials, Job, Line, Trouble
from mock_vendor.habits import Habits
from mock_vendor.settings import VendorSettings

log = logging.getLogger("mock_vendor")

PASS_LIMIT = 60.0
"""Seconds of real time for which ``tick`` waits for a pass that is going on."""


@dataclass(slots=True)
class Delivery:
    """What the operator is shown about one transcript's way to the Ministry."""

    learner: str
    state: str = "issued"
    receipt: str = ""
    refusals: list[dict[str, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    job: Job | None = None
    """The submission on its way; ``None`` once its outcome is final."""


class Outbox:
    """The submissions of one session."""

    def __init__(self, settings: VendorSettings, habits: Habits, line: Line) -> None:
        self._settings = settings
        self._clock = settings.clock
        self._habits = habits
        self._line = line
        self._deliveries: list[Delivery] = []
        self._guard = threading.Lock()
        self._passing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        if settings.background:
            self._thread = threading.Thread(target=self._work, name="vendor-outbox", daemon=True)
            self._thread.start()

    def queue(self, delivery: Delivery, job: Job) -> None:
        """Take a submission."""
        delivery.job, delivery.state, delivery.receipt = job, "queued", ""
        delivery.refusals, delivery.messages = [], []
        with self._guard:
            self._deliveries.append(delivery)

    def close(self) -> None:
        """Stop the background work and close the line."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)
        self._line.http.close()

    def _work(self) -> None:
        pause = min(self._settings.outbox_interval, self._settings.poll_interval)
        while not self._stopped.is_set():
            self.run(eager=False)
            self._clock.sleep(pause)

    def run(self, *, eager: bool) -> None:
        """One pass over what is on its way. ``eager``: ordinary work is done at once, imposed waits are kept."""
        if not self._passing.acquire(timeout=PASS_LIMIT if eager else -1):
            return
        try:
            with self._guard:
                self._deliveries = [one for one in self._deliveries if one.job is not None]
                going = list(self._deliveries)
            for one in going:
                job = one.job
                if job is None or self._stopped.is_set():
                    continue
                if job.due <= self._clock.monotonic() or (eager and not job.imposed):
                    self._step(one, job)
        finally:
            self._passing.release()

    def _step(self, one: Delivery, job: Job) -> None:
        try:
            if job.receipt:
                self._follow(one, job)
            else:
                self._send(one, job)
        except BadCredentials as error:
            self._stop(
                one,
                "Bộ không chấp nhận thông tin đăng nhập; hãy kiểm tra cấu hình kết nối / "
                f"the Ministry refuses the credentials; check the connection's settings: {error}",
            )
        except Exception as error:
            log.exception("delivery")
            self._stop(one, f"Lỗi nội bộ, đã dừng gửi / internal error, sending stopped: {type(error).__name__}")

    def _stop(self, one: Delivery, message: str) -> None:
        one.messages.append(message)
        one.state, one.job = "gave-up", None

    def _send(self, one: Delivery, job: Job) -> None:
        job.attempts += 1
        one.state = "sent"
        try:
            answer = self._habits.submit(self._line, self._clock.monotonic(), job)
        except Trouble as error:
            self._again(one, job, str(error), error.wait)
            return
        taken = answer.status in (200, 201, 202)
        receipt = self._habits.receipt_of(answer) if taken else ""
        if receipt:
            one.receipt = job.receipt = receipt
            one.state = self._habits.state_after_receipt()
            if one.state == "delivered":
                one.job = None
            self._later(job, self._settings.poll_interval)
        elif taken:
            self._again(one, job, f"HTTP {answer.status}: câu trả lời không đọc được / unreadable answer", None)
        elif self._habits.worth_another_try(answer):
            self._again(one, job, self._shown(answer), answer.retry_after)
        else:
            self._refuse(one, self._habits.door_refusal(answer, one.learner))

    def _follow(self, one: Delivery, job: Job) -> None:
        try:
            answer = self._habits.ask(self._line, self._clock.monotonic(), job)
        except Trouble as error:
            self._ask_later(one, job, str(error), error.wait)
            return
        if answer.status == 404:
            self._stop(one, "Bộ không biết mã tiếp nhận này / the Ministry does not know this receipt")
            return
        state = self._habits.state_of(answer) if answer.status == 200 else ""
        if state == "accepted":
            one.state, one.job = "delivered", None
        elif state == "refused":
            self._refuse(one, self._habits.findings(answer, one.learner))
        elif state == "revoked":
            one.state, one.job = "revoked", None
        elif state == "superseded":
            one.messages.append("Bộ đã có phiên bản mới hơn / the Ministry holds a newer version")
            one.job = None
        elif answer.status == 200 and answer.data is not None:
            job.troubles = 0
            self._later(job, self._settings.poll_interval)
        else:
            self._ask_later(one, job, self._shown(answer), answer.retry_after)

    def _refuse(self, one: Delivery, refusals: list[dict[str, str]]) -> None:
        one.refusals = refusals
        one.messages.append("Bộ từ chối học bạ này / the Ministry refuses this transcript")
        one.state, one.job = "refused", None

    def _again(self, one: Delivery, job: Job, text: str, asked: float | None) -> None:
        if self._habits.gives_up(job.attempts, self._settings.attempts):
            message = self._habits.give_up_message(job.attempts, text)
            one.messages += [message] if message else []
            one.state, one.job = "gave-up", None
            return
        one.state = "queued"
        self._impose(job, self._pause(job.attempts, asked))

    def _ask_later(self, one: Delivery, job: Job, text: str, asked: float | None) -> None:
        job.troubles += 1
        if job.troubles == self._settings.attempts:
            one.messages.append(f"Chưa hỏi được kết quả, vẫn đang hỏi / no outcome yet, still asking: {text}")
        self._impose(job, self._pause(job.troubles, asked))

    def _pause(self, attempt: int, asked: float | None) -> float:
        return self._habits.pause(attempt, self._settings.first_retry, self._settings.longest_retry, asked)

    def _impose(self, job: Job, seconds: float) -> None:
        job.due, job.imposed = self._clock.monotonic() + seconds, True

    def _later(self, job: Job, seconds: float) -> None:
        job.due, job.imposed = self._clock.monotonic() + seconds, False

    def _shown(self, answer: Answer) -> str:
        return f"HTTP {answer.status} {self._habits.problem_code(answer)}".strip()
