"""The reference vendor computes by formulas of its own: both must agree wherever the article is clear."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from conformance.pack import RuleSet, default_pack
from conformance.transcript.academics import year_mark
from conformance.transcript.learning import Entry, Reading, rate
from conformance.transcript.model import Outcome
from mock_vendor.academics import Academics

RULES = [default_pack().rules[name] for name in ("tt22-2021", "tt43-2021")]
MARKS = st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10)
RESULTS = st.lists(st.one_of(MARKS, st.sampled_from(Outcome)), min_size=1, max_size=14)


@given(RESULTS, st.sampled_from(RULES))
def test_learning_levels(results: list[Decimal | Outcome], rules: RuleSet) -> None:
    rating = rate([Entry(str(at), one) for at, one in enumerate(results)], rules)
    theirs = Academics().learning([one if isinstance(one, Decimal) else one.value for one in results], rules)
    assert rating.by_reading[Reading()].value == theirs
    if rating.certain is not None:
        assert rating.certain.value == theirs


@given(MARKS, MARKS, st.sampled_from(RULES))
def test_year_marks(first: Decimal, second: Decimal, rules: RuleSet) -> None:
    assert year_mark(first, second, rules).value == Academics().year_mark(first, second, rules)
