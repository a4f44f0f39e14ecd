"""Wrong batches: GN-008."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.pack.pointer import get
from mock_vendor.client import Answer, BadCredentials, Line, Trouble
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.transcripts import Delivery, Job


@defect(
    "sends-batches-of-any-size",
    "Gửi lô lớn hơn 100 bản",
    "Sends batches of more than a hundred",
    expects=["PL2-GN-008"],
    cause="PL2-GN-008.too-many",
    shows=["exchange:batch-of-101"],
)
class AnySize(Habits):
    """All that is there in one go."""

    def batch_limit(self) -> int:
        return 10_000


@defect(
    "sends-the-whole-batch-again",
    "Một bản trong lô bị từ chối thì gửi lại cả lô",
    "Sends the whole batch again when one item is refused",
    expects=["PL2-GN-008"],
    cause="PL2-GN-008.accepted-again",
    shows=["exchange:batch-middle-refused"],
)
class WholeBatch(Habits):
    """A batch succeeds or fails as one to it."""

    def sent_along(self, batch: Sequence[tuple[Delivery, Job]]) -> Sequence[tuple[Delivery, Job]]:
        return [(delivery, replace(job, receipt="", attempts=0, batch="")) for delivery, job in batch]


@defect(
    "shows-the-first-result-for-all",
    "Kết quả của bản đầu tiên trong lô được hiện cho mọi bản",
    "Shows the first item's result for the whole batch",
    expects=["PL2-GN-008"],
    cause="PL2-GN-008.item-lost",
    shows=["exchange:batch-last-refused", "exchange:batch-middle-refused"],
)
class FirstForAll(Habits):
    """The list of results is read once."""

    def batch_results(self, answer: Answer, jobs: Sequence[Job]) -> list[Answer | None]:
        found = super().batch_results(answer, jobs)
        return found[:1] * len(jobs)


@defect(
    "reads-batch-results-by-their-place",
    "Ghép kết quả của lô theo thứ tự trong câu trả lời, không theo số thứ tự ghi trong đó",
    "Goes by the place of a result in a batch's answer, not by the number that it carries",
    expects=["PL2-GN-008"],
    cause="PL2-GN-008.accepted-again",
    shows=["exchange:batch-result-missing"],
)
class ByPlace(Habits):
    """Where one is missing, everybody after it gets the next one's."""

    def batch_results(self, answer: Answer, jobs: Sequence[Job]) -> list[Answer | None]:
        listed = get(answer.data, self.pack.messages["batch"]["results"]) or []
        found = [self.item_answer(one) for one in listed[: len(jobs)]]
        return [*found, *[None] * (len(jobs) - len(found))]


@defect(
    "gives-up-a-batch-with-its-token",
    "Mã truy cập bị từ chối giữa chừng thì bỏ cả lô",
    "Gives up a whole batch when its token is refused",
    expects=["PL2-GN-008", "PL2-XT-002"],
    shows=["exchange:batch-token-refused"],
)
class BatchToken(Habits):
    """The token is renewed for single submissions only."""

    def worth_another_try(self, answer: Answer) -> bool:
        return answer.status != 401 and super().worth_another_try(answer)

    def renews(self, url: str) -> bool:
        return not url.endswith(self._routes["submit-batch"][1])


@defect(
    "gives-up-a-batch-without-an-answer",
    "Mất câu trả lời của lô thì bỏ cả lô",
    "Gives up a whole batch when its answer is lost",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.not-repeated",
    shows=["exchange:batch-lost-answer"],
)
class BatchUnanswered(Habits):
    """Single submissions are sent again; a batch is sent once."""

    def submit_batch(self, line: Line, now: float, jobs: Sequence[Job]) -> Answer:
        try:
            return super().submit_batch(line, now, jobs)
        except Trouble as error:
            raise BadCredentials(str(error)) from error  # which stops everything that is on its way
