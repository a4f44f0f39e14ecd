"""How software really signs and waits: none of it may be called a mistake (issue: remote signing, slow outboxes)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.cases import frozen_cases, realise
from conformance.pack import default_pack
from mock_moet.inprocess import InProcessTransport
from mock_vendor.__main__ import outbox_every
from mock_vendor.remote.client import RemoteDesk
from mock_vendor.remote.service import SigningService, create_signing_app
from mock_vendor.settings import SystemClock
from tests.world import World, world

PACK = default_pack().at("r3")
MUST = {one.id for one in PACK.requirements.values() if one.level == "MUST"}


def assert_sound(one: World, *items: str) -> None:
    for item in items:
        result = one.play(item)
        assert not result.error, f"{item}: {result.error}"
        found = {each.code for each in result.findings if each.state == "violated" and each.requirement in MUST}
        assert found == set(), item
        assert [each.code for each in result.findings if each.state == "blocked"] == [], item


def test_an_outbox_that_runs_every_two_minutes_is_waited_for() -> None:
    items = ("exchange:processing", "exchange:unavailable-for-ever", "exchange:killed-before-answer")
    slow = {"ticks": False, "background": True, **outbox_every(120.0)}
    with world(pack=PACK, items=items, factor=300.0, **slow) as one:
        assert_sound(one, "THCS:thcs-plain", *items)


@contextmanager
def signing_service() -> Iterator[RemoteDesk]:
    """A remote signing service whose people confirm within a moment."""
    service = SigningService(SystemClock(), "csc", confirm_after=0.02)
    transport = InProcessTransport(create_signing_app(service))
    desk = RemoteDesk("http://signing.test", "csc", patience=300.0, poll=0.05, transport=transport)
    try:
        yield desk
    finally:
        desk.close()
        transport.close()


def test_remote_signing_is_followed_to_its_end() -> None:
    items = ("exchange:amendment", "exchange:revocation")
    with signing_service() as remote, world(pack=PACK, items=items, signing="remote", remote=remote) as one:
        assert_sound(one, "THCS:thcs-plain", *items)


@pytest.mark.parametrize("item", ["exchange:amendment"])
def test_an_operators_confirmation_is_waited_for(item: str) -> None:
    with world(pack=PACK, items=(item,), signing="token", confirm_after=0.5) as one:
        assert_sound(one, item)


def test_other_schools_on_the_same_credential_disturb_nothing() -> None:
    """One account for thousands of schools: what it does for another one goes on in between."""
    items = ("exchange:processing", "exchange:token-refused-at-submit", "exchange:refusal-one", "exchange:reset-after")
    with world(pack=PACK, programmes=("THCS", "THPT"), items=items) as one:
        driver = one.bench.driver
        frozen = next(each for each in frozen_cases(PACK, "THPT") if each.id == "thpt-plain")
        other = driver.enter(realise(frozen, one.bench.roster, "neighbour", "components"))
        driver.issue(other)
        assert not other.stopped
        driver.ministry.outcomes([{"outcome": "accept", "polls": 400, "times": 1}])
        assert driver.vendor.submit(other.local).status == 202
        driver.vendor.tick()
        assert_sound(one, *items)
        assert driver.vendor.state(other.local)["state"] == "receipted"
