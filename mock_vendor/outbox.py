"""Background work: sends what is queued, follows it up, retries, gives up; tells the operator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence

from mock_vendor.client import Answer, BadCredentials, Line, Trouble
from mock_vendor.habits import Habits
from mock_vendor.settings import VendorSettings
from mock_vendor.store import Store
from mock_vendor.transcripts import Delivery, Job

log = logging.getLogger("mock_vendor")

PASS_LIMIT = 60.0
"""Seconds of real time for which ``tick`` waits for a pass that is going on."""


class Stopped(Exception):
    """The software was stopped hard: whatever was going on ends here, without another word."""


class Outbox:
    """The submissions of one session. Every step is in the store before the next call goes out."""

    def __init__(self, settings: VendorSettings, habits: Habits, line: Line, store: Store) -> None:
        self._settings = settings
        self._clock = settings.clock
        self._habits = habits
        self._line = line
        self._store = store
        self._deliveries: list[Delivery] = []
        self._batches: dict[str, list[tuple[Delivery, Job]]] = {}
        self._guard = threading.Lock()
        self._passing = threading.Lock()
        self._stopped = threading.Event()
        self._killed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin the background work, where this software does any of its own accord."""
        if self._settings.background:
            self._thread = threading.Thread(target=self._work, name="vendor-outbox", daemon=True)
            self._thread.start()

    def resume(self, deliveries: Iterable[Delivery]) -> None:
        """Go on with what was on its way when the software was stopped."""
        with self._guard:
            self._deliveries += [one for one in deliveries if one.job is not None]

    def queue(self, *taken: tuple[Delivery, Job]) -> None:
        """Take submissions: all of them are in the store before any is sent."""
        for delivery, job in taken:
            delivery.job, delivery.state, delivery.receipt = job, "queued", ""
            delivery.refusals, delivery.messages, delivery.newest, delivery.again = [], [], None, False
        self.keep(*(delivery for delivery, _ in taken))
        with self._guard:
            self._deliveries += [delivery for delivery, _ in taken]
            for delivery, job in taken:
                if job.batch:
                    self._batches.setdefault(job.batch, []).append((delivery, job))

    def keep(self, *deliveries: Delivery) -> None:
        """Write deliveries to the store.

        Raises:
            Stopped: the software was stopped hard meanwhile.
        """
        if self._killed.is_set():
            raise Stopped
        self._store.put("delivery", *((one.owner, one.data(self._clock)) for one in deliveries))

    def close(self) -> None:
        """Stop the background work and close the line."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)
        if self._settings.transport is None:  # one that was given is the giver's
            self._line.http.close()

    def kill(self) -> None:
        """Stop hard: nothing is finished, nothing more is written."""
        self._killed.set()
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            self.run(eager=False)
            self._clock.sleep(min(self._settings.outbox_interval, self._settings.poll_interval))

    def run(self, *, eager: bool) -> None:
        """One pass over what is on its way. ``eager``: ordinary work is done at once, imposed waits are kept."""
        if not self._passing.acquire(timeout=PASS_LIMIT if eager else -1):
            return
        try:
            with self._guard:
                self._deliveries = [one for one in self._deliveries if one.job is not None]
                going = list(self._deliveries)
            for group in _groups(going):
                if self._stopped.is_set():
                    return
                jobs = [one.job for one in group if one.job is not None]
                now = self._clock.monotonic()
                if all(job.due <= now or (eager and not job.imposed) for job in jobs):
                    self._step(group)
        except Stopped:
            return
        finally:
            self._passing.release()

    def _step(self, group: Sequence[Delivery]) -> None:
        try:
            if len(group) > 1 or (group[0].job and group[0].job.batch and not group[0].job.receipt):
                self._send_batch(group)
            elif group[0].job is not None:
                (self._follow if group[0].job.receipt else self._send)(group[0], group[0].job)
        except Stopped:
            raise
        except BadCredentials as error:
            self._stop(
                group,
                "Bộ không chấp nhận thông tin đăng nhập; hãy kiểm tra cấu hình kết nối / "
                f"the Ministry refuses the credentials; check the connection's settings: {error}",
            )
        except Exception as error:
            log.exception("delivery")
            self._stop(group, f"Lỗi nội bộ, đã dừng gửi / internal error, sending stopped: {type(error).__name__}")
        self.keep(*group)

    @staticmethod
    def _stop(group: Iterable[Delivery], message: str) -> None:
        for one in group:
            if one.job is not None:
                one.messages.append(message)
                one.state, one.job = "gave-up", None

    def _send(self, one: Delivery, job: Job) -> None:
        job.attempts += 1
        one.state = "sent"
        self.keep(one)
        try:
            answer = self._habits.submit(self._line, self._clock.monotonic(), job)
        except Trouble as error:
            self._again(one, job, str(error), error.wait)
            return
        self._answered(one, job, answer)

    def _send_batch(self, group: Sequence[Delivery]) -> None:
        by_job = {id(one.job): one for one in group if one.job is not None}
        jobs = self._habits.resent([one.job for one in group if one.job is not None])
        for job in jobs:
            job.attempts += 1
            by_job[id(job)].state = "sent"
        self.keep(*group)
        try:
            answer = self._habits.submit_batch(self._line, self._clock.monotonic(), jobs)
        except Trouble as error:
            for job in jobs:
                self._again(by_job[id(job)], job, str(error), error.wait)
            return
        taken = answer.status in (200, 201, 202)
        results = self._habits.batch_results(answer, jobs) if taken else [answer] * len(jobs)
        for job, result in zip(jobs, results, strict=True):
            one = by_job[id(job)]
            if result is None:
                self._again(one, job, f"HTTP {answer.status}: câu trả lời không đọc được / unreadable answer", None)
            else:
                self._answered(one, job, result)

    def _answered(self, one: Delivery, job: Job, answer: Answer) -> None:
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
        elif self._habits.is_conflict(answer):
            self._conflict(one, job, answer)
        else:
            one.again = self._habits.is_closed(answer)
            if one.again:
                one.messages.append(self._habits.closed_message())
            self._refuse(one, self._habits.door_refusal(answer, one.learner))

    def _conflict(self, one: Delivery, job: Job, answer: Answer) -> None:
        """Fetch what the Ministry holds; the operator amends that. Nothing is overwritten."""
        newest, overwritten = self._habits.resolve(self._line, self._clock.monotonic(), job)
        if overwritten is not None:
            one.job, one.state = overwritten, "queued"
            self._later(overwritten, 0.0)
            return
        one.newest = newest
        one.messages.append(self._habits.conflict_message(newest))
        self._refuse(one, self._habits.door_refusal(answer, one.learner))

    def _send_along(self, job: Job) -> None:
        """After the refusal of an item: what else of its batch is sent again."""
        batch = [each for each in self._batches.get(job.batch, ()) if each[1] is not job]
        again = self._habits.sent_along(batch)
        for delivery, other in again:
            delivery.job, delivery.state = other, "queued"
            with self._guard:
                self._deliveries.append(delivery)
            self._step([delivery])

    def _follow(self, one: Delivery, job: Job) -> None:
        try:
            answer = self._habits.ask(self._line, self._clock.monotonic(), job)
        except Trouble as error:
            self._ask_later(one, job, str(error), error.wait)
            return
        if answer.status == 404:
            self._stop([one], "Bộ không biết mã tiếp nhận này / the Ministry does not know this receipt")
            return
        state = self._habits.state_of(answer) if answer.status == 200 else ""
        if state == "accepted":
            one.state, one.job = "delivered", None
            if job.event == "cancel":
                one.state = self._habits.state_after_revocation()
        elif state == "refused":
            self._refuse(one, self._habits.findings(answer, one.learner))
            self._send_along(job)
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


def _groups(going: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """What is sent in one call: a batch that has no receipts yet, else each by itself."""
    batches: dict[str, list[Delivery]] = {}
    for one in going:
        if one.job is not None and one.job.batch and not one.job.receipt:
            batches.setdefault(one.job.batch, []).append(one)
    for one in going:
        if one.job is None:
            continue
        group = batches.get(one.job.batch) if not one.job.receipt else None
        if group is None:
            yield [one]
        elif group[0] is one:
            yield group
