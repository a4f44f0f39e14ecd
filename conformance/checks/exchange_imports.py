"""TC: receiving software (appendix2.md §2, dispatch 1đ).

An act ``import`` tells what was offered: ``offer`` its name, ``expected`` the reasons of the test interface that may be
given (empty: it is sound), ``signed`` the signed values in the interface's words, ``imported`` what the software says
it took over, ``others`` how many transcripts it took over all told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from conformance.checks.exchange_record import Act, Exchange, near
from conformance.finding import Recorder

VERIFIED, EQUAL, AUTHORISED = "PL2-TC-001", "PL2-TC-002", "PL2-TC-003"
NEVER = "OTHER"
"""The reason that is never the expected one (vendor-interface.md)."""


def _imports(one: Exchange) -> list[Act]:
    return [act for act in one.acts if act.step == "import"]


def _sound(one: Exchange) -> Act | None:
    return next((act for act in _imports(one) if not act.facts.get("expected")), None)


def _answer(act: Act) -> str:
    return f"HTTP {act.status} {', '.join(act.reasons)}".strip()


def import_verified(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-TC-001: what is spoilt is refused for its reason; a refusal counts only beside the sound twin's import."""
    case_class = str(params["class"])
    sound = [act for act in _imports(one) if not act.facts.get("expected")]
    twin = next((act for act in sound if not act.well), next(iter(sound), None))
    offered = [act for act in _imports(one) if act.facts.get("expected")]
    if twin is None or not twin.status:
        found.blocked(VERIFIED, "not-exercised", place=one.at())
        return
    if not twin.well:
        found.violated(
            VERIFIED,
            "sound-refused",
            place=one.at(),
            expected="HTTP 200",
            seen=_answer(twin),
            what=twin.facts.get("offer", ""),
        )
        return
    for act in offered:
        expected = [str(code) for code in act.facts["expected"]]
        what = str(act.facts.get("offer", ""))
        if act.well and not act.facts.get("imported") and act.facts.get("others"):
            found.violated(VERIFIED, "imported-in-part", place=one.at(), expected=" / ".join(expected), what=what)
            return
        if act.well:
            found.violated(
                VERIFIED, "imported-bad", place=one.at(), expected=" / ".join(expected), seen=_answer(act), what=what
            )
            return
        if _not_told(one, act, VERIFIED, "other-reason", found):
            return
    found.held(VERIFIED, case_class)


def _not_told(one: Exchange, act: Act, rule: str, cause: str, found: Recorder) -> bool:
    """Whether a refused import names none of the reasons that it had; it is said then."""
    expected = [str(code) for code in act.facts["expected"]]
    if set(expected) & (set(act.reasons) - {NEVER}):
        return False
    found.violated(
        rule,
        cause,
        place=one.at(),
        expected=" / ".join(expected),
        seen=_answer(act),
        what=str(act.facts.get("offer", "")),
        derivation=near("reason", seen=", ".join(act.reasons) or "—", expected=" / ".join(expected)),
    )
    return True


def imported_equal(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-TC-002: every value taken over is the one that was signed, and no result is missing, in each sound import."""
    sound = [act for act in _imports(one) if not act.facts.get("expected")]
    if not sound or not all(act.well for act in sound):
        found.blocked(EQUAL, "not-exercised", place=one.at())
        return
    if not any(_unequal(one, act, found) for act in sound):
        count = sum(len(dict(_leaves(act.facts["signed"]))) for act in sound)
        found.held(EQUAL, str(params.get("class", "imported")), count=count)


def _unequal(one: Exchange, twin: Act, found: Recorder) -> bool:
    """Whether something of one import is not as it was signed."""
    signed, imported = twin.facts.get("signed") or {}, twin.facts.get("imported") or {}
    if not signed or not imported:
        found.violated(EQUAL, "value-missing", place=one.at(), expected=signed.get("recordId", ""), what="/transcripts")
        return True
    taken = dict(_leaves(imported))
    for path, value in _leaves(signed):
        if path not in taken:
            if _needed(path):
                found.violated(EQUAL, "value-missing", place=one.at(), expected=value, what=path)
                return True
        elif not (_same_digest if path == "/digest" else _same)(value, taken[path]):
            found.violated(EQUAL, "value-differs", place=one.at(), expected=value, seen=taken[path], what=path)
            return True
    wanted = dict(_leaves(signed))
    invented = [path for path in taken if path not in wanted and path.startswith("/subjects/") and _result(path)]
    if invented:
        found.violated(EQUAL, "value-invented", place=one.at(), seen=taken[invented[0]], what=invented[0])
    return bool(invented)


def authorisation_refused(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-TC-003: an authorisation that cannot be used is reported as such, and nothing is imported."""
    twin = _sound(one)
    offered = [act for act in _imports(one) if act.facts.get("expected")]
    if twin is None or not twin.well or not offered:
        found.blocked(AUTHORISED, "not-exercised", place=one.at())
        return
    for act in offered:
        what = str(act.facts.get("offer", ""))
        if act.well:
            found.violated(AUTHORISED, "imported", place=one.at(), seen=_answer(act), what=what)
            return
        if _not_told(one, act, AUTHORISED, "not-reported", found):
            return
    found.held(AUTHORISED, str(params["class"]))


def retrieval_repeated(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-TC-003: an authorisation whose answer was lost has not been used up: the same client asks again."""
    lost = next((call for call in one.calls if call.operation == "retrieve" and call.fault), None)
    acts = _imports(one)
    if lost is None or not acts:
        found.blocked(AUTHORISED, "not-exercised", place=one.at())
        return
    again = [call for call in one.calls if call.operation == "retrieve" and call.number > lost.number]
    if any(act.well for act in acts):
        found.held(AUTHORISED, str(params["class"]))
    elif not again:
        found.violated(
            AUTHORISED,
            "given-up",
            place=one.at(lost),
            seen=_answer(acts[-1]),
            derivation=near("no-retrieve-again", number=lost.number),
        )
    else:
        found.violated(AUTHORISED, "given-up", place=one.at(again[-1]), seen=_answer(acts[-1]))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value with its path; subjects by code, so that their order does not matter."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, f"{path}/{name}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            code = one.get("code") if isinstance(one, Mapping) else None
            yield from _leaves(one, f"{path}/{code if code is not None else index}")
    elif value is not None:
        yield path, value


RESULTS = ("semester1", "semester2", "year", "reassessment")


def _result(path: str) -> bool:
    return path.rpartition("/")[2] in RESULTS


def _needed(path: str) -> bool:
    """Whether software that takes a transcript over must have this value: identity, and every result."""
    top = path.split("/")[1]
    if top in ("recordId", "version", "digest", "schoolYear"):
        return True
    return path in ("/learner/code", "/learner/name") or (top == "subjects" and _result(path))


def _same_digest(signed: Any, taken: Any) -> bool:
    """Hexadecimal, in capitals or not."""
    return str(signed).casefold() == str(taken).casefold()


def _same(signed: Any, taken: Any) -> bool:
    first, second = (unicodedata.normalize("NFC", str(one)) for one in (signed, taken))
    if first == second or isinstance(signed, bool):
        return first == second
    try:
        return Decimal(first) == Decimal(second)
    except InvalidOperation:
        return False
