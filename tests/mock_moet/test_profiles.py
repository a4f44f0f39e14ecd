"""Fault profiles: the same seed gives the same, and every mix clears."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.pack import Pack, PackError, default_pack, load_pack
from mock_moet.faults import CONNECTION
from mock_moet.profiles import Profile, load_profiles
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, transcript

OTHER = Path(__file__).parents[1] / "packs" / "other"
PACKS = [default_pack(), load_pack(OTHER)]
MIXES = [(pack, name) for pack in PACKS for name in load_profiles(pack)]
SEEDS = st.integers(0, 2**32 - 1)


def operations(pack: Pack) -> list[str]:
    rows = (row for methods in pack.service["paths"].values() for row in methods.values())
    return [row["operationId"] for row in rows if isinstance(row, dict)]


@given(mix=st.sampled_from(MIXES), seed=SEEDS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_mix_of_every_seed_is_bounded_and_the_same_again(mix: tuple[Pack, str], seed: int, data: Any) -> None:
    pack, name = mix
    profile = load_profiles(pack)[name]
    operation = data.draw(st.sampled_from([*operations(pack), CONNECTION]))
    drawn = profile.mix(name, seed, operation)
    assert drawn == profile.mix(name, seed, operation)
    assert len(drawn) <= profile.calls
    rows = itertools.groupby(one is not None for one in drawn)
    assert all(len(list(row)) <= profile.in_a_row for hit, row in rows if hit)
    assert all(one.times == 1 for one in drawn if one)
    refused = [one is not None and one.status == 401 for one in drawn]
    assert not any(one and following for one, following in zip(refused, drawn[1:], strict=False))
    assert all((one.kind == "tls") is (operation == CONNECTION) for one in drawn if one)


def test_seeds_and_operations_differ_and_all_kinds_come_up() -> None:
    profile = load_profiles(default_pack())["hostile"]
    keys = [(seed, name) for seed in range(12) for name in ("submit", "status", CONNECTION)]
    drawn = [profile.mix("hostile", seed, name) for seed, name in keys]
    assert all(one != other for one, other in itertools.combinations(drawn, 2))
    named: set[str] = set()
    for template in profile.faults:
        kinds = template.fault["kind"]
        named |= {kinds} if isinstance(kinds, str) else set(kinds)
    assert {one.kind for mix in drawn for one in mix if one} == named


def delivered(client: Client, data: bytes, profile: Profile) -> None:
    """Repeat until it is received, as a sound client does."""
    for _ in range(profile.calls + 1):
        if not client.token:
            try:
                client.authenticate()
            except httpx.HTTPError:
                continue
        try:
            answer = client.submit(data)
        except httpx.ConnectError:  # nobody listens, or a bad certificate: later again
            client.space.control.http.delete(f"/spaces/{client.space.space}/faults")
            continue
        except httpx.HTTPError:
            continue
        if answer.status_code == 401:
            client.token = ""
        elif answer.status_code == 202 and answer.text[:1] == "{":
            return
    raise AssertionError("the mix does not clear")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ["gentle", "strict", "hostile"])
def test_who_repeats_is_served_in_the_end_and_once(setups: Any, name: str, seed: int) -> None:
    setup: Setup = setups(public_url="https://127.0.0.1:8115")
    client = setup.client()
    answer = setup.control.http.put(f"/spaces/{client.space.space}/profile", json={"name": name, "seed": seed})
    assert answer.json() | {"title": None} == {
        "name": name, "seed": seed, "title": None, "calls": setup.ministry.profiles[name].calls,
        "inARow": setup.ministry.profiles[name].in_a_row, "fired": 0,
    }  # fmt: skip
    documents = [transcript(learner=f"00131399{number:04d}") for number in range(4)]
    for data in documents:
        delivered(client, data, setup.ministry.profiles[name])
    assert len(client.space.submissions()) == len(documents)
    for _ in range(setup.ministry.profiles[name].calls):
        with suppress(httpx.HTTPError):
            client.call("health")
    marked = [one["fault"]["name"] for one in client.space.journal() if one["fault"]]
    assert marked
    assert all(one.startswith(f"{name} --seed={seed} ") for one in marked)
    assert setup.control.http.get(f"/spaces/{client.space.space}/profile").json()["fired"] >= len(marked) / 2
    setup.control.http.delete(f"/spaces/{client.space.space}/profile")
    assert setup.control.http.get(f"/spaces/{client.space.space}/profile").json() == {"name": "", "seed": None}
    assert client.call("health").status_code == 200


def test_the_same_seed_does_the_same_to_another_space(setups: Any) -> None:
    setup: Setup = setups(profile="hostile", seed=5)
    seen = []
    for _ in range(2):
        space = setup.control.open()
        client = Client(space, setup.transport)
        setup.clients.append(client)
        for _ in range(40):
            try:
                client.call("health")
            except httpx.HTTPError:
                continue
            finally:
                # time does not stand still, and nobody stays closed
                setup.control.http.delete(f"/spaces/{space.space}/faults")
        seen.append([one["fault"] for one in space.journal()])
    assert seen[0] == seen[1]
    assert len([one for one in seen[0] if one]) >= 5


def test_faults_that_were_set_come_first_and_the_mix_counts_on(setups: Any) -> None:
    setup: Setup = setups(profile="strict", seed=1)
    hit = [one is not None for one in setup.ministry.profiles["strict"].mix("strict", 1, "health")]
    client = Client(setup.control.open(), setup.transport)
    setup.clients.append(client)
    client.space.faults({"kind": "status", "operation": "health", "status": 404, "times": 3})
    for _ in range(len(hit)):
        try:
            client.call("health")
        except httpx.HTTPError:
            continue
    faults = [one["fault"] for one in client.space.journal()]
    assert [one["status"] for one in faults[:3]] == [404] * 3
    assert [one is not None for one in faults[3:]] == hit[3:]


def test_an_unknown_profile_is_refused(setup: Setup) -> None:
    space = setup.control.open()
    answer = setup.control.http.put(f"/spaces/{space.space}/profile", json={"name": "odd"})
    assert answer.status_code == 422
    assert "hostile" in answer.text
    with pytest.raises(ValueError, match="odd"):
        Setup(setup.ministry.settings.clock, profile="odd")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rate: 2, faults: [{fault: {kind: delay}}]", "odd.rate"),
        ("rate: 1, faults: [{fault: {kind: redirect}}]", "odd.faults.0"),
        ("rate: 1, faults: [{operations: [odd], fault: {kind: delay}}]", "odd"),
        ("rate: 1, faults: []", "odd.faults"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    wrong = tmp_path / "profiles.yaml"
    wrong.write_text(f"odd: {{title: {{vi: a, en: b}}, calls: 1, inARow: 1, {text}}}", encoding="utf-8")
    monkeypatch.setattr(Pack, "path", lambda self, name: wrong)
    with pytest.raises(PackError, match=place):
        load_profiles(default_pack())
