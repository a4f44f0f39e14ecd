"""Attempts that must be refused, each beside its accepted twin (PL1-PH-001 … PL1-PH-005).

Every probe works on transcripts of its own, made from a sound case, and ends in an issued transcript where it can: a
refusal proves nothing about software that refuses everything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from conformance.cases import Case, negative_inputs
from conformance.checks.management import Attempt, Signer
from conformance.doors.drive import NO_SUCH_CALL, Driver, Episode, by_role, signers_of
from conformance.doors.http import Answer
from conformance.doors.vendor import reasons_of


def _attempt(kind: str, where: str, answer: Answer, **more: Any) -> Attempt:
    return Attempt(kind, answer.status, reasons_of(answer), pointer=where, **more)


def nobody_signed(driver: Driver, case: Case) -> Episode:
    """Issue with no signature at all: all signers must be named. Then everybody signs, and it is issued."""
    episode = driver.enter(case)
    if episode.stopped:
        return episode
    everybody = tuple(one for one in signers_of(driver.signings(case)) if one.role != "school-seal")
    answer = episode.note("issue", driver.vendor.issue(episode.local))
    episode.attempts.append(_attempt("issue-incomplete", f"{case.id}#issue", answer, signers=everybody, detail="all"))
    if not 200 <= answer.status < 300:
        driver.issue(episode)
    return episode


def one_missing(driver: Driver, case: Case, left_out: Signer) -> Episode:
    """Everybody signs but one; issue must be refused and name the one. Then the one (and who waited) signs.

    Software may refuse later signers until the missing one has signed: that is the same refusal, earlier.
    """
    episode = driver.enter(case)
    if episode.stopped:
        return episode
    signings = driver.signings(case)
    for group in by_role(_without(signings, left_out)):
        driver.sign(episode, group)
    answer = episode.note("issue", driver.vendor.issue(episode.local))
    episode.attempts.append(_attempt("issue-incomplete", f"{case.id}#issue", answer, signers=(left_out,)))
    if not 200 <= answer.status < 300:
        role = left_out.role
        missing = [_only(one, left_out) for one in signings if one["role"] == role and one["signer"] == left_out.signer]
        driver.sign(episode, [one for one in missing if one is not None])
        order = [one["role"] for one in by_role_first(signings)]
        for later in order[order.index(role) + 1 :]:
            driver.sign(episode, [one for one in signings if one["role"] == later])
        issued = episode.note("issue", driver.vendor.issue(episode.local))
        episode.attempts.append(_attempt("issue-complete", f"{case.id}#issue", issued))
    return episode


def by_role_first(signings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first signing of each role, in order."""
    return [group[0] for group in by_role(signings)]


def _without(signings: Iterable[dict[str, Any]], left_out: Signer) -> list[dict[str, Any]]:
    kept = []
    for one in signings:
        if one["role"] == left_out.role and one["signer"] == left_out.signer:
            subjects = [subject for subject in one.get("subjects") or [] if subject != left_out.subject]
            if left_out.subject and subjects:
                kept.append({**one, "subjects": subjects})
        else:
            kept.append(one)
    return kept


def _only(one: dict[str, Any], signer: Signer) -> dict[str, Any] | None:
    if not signer.subject:
        return one
    return {**one, "subjects": [signer.subject]} if signer.subject in (one.get("subjects") or []) else None


def other_signers(driver: Driver, case: Case) -> Episode:
    """In every role somebody else tries to sign and must be refused; then the named person signs."""
    episode = driver.enter(case)
    if episode.stopped:
        return episode
    signings = driver.signings(case)
    everybody = [str(teacher["id"]) for teacher in driver.roster.data["teachers"]]
    for role_group in by_role(signings):
        first = role_group[0]
        if first["role"] == "school-seal":
            driver.sign(episode, role_group)
            continue
        one = {**first, "subjects": first["subjects"][:1]} if first.get("subjects") else dict(first)
        named = {
            entry["signer"]
            for entry in role_group
            if not one.get("subjects") or set(one["subjects"]) & set(entry.get("subjects") or [])
        }
        other = next(teacher for teacher in everybody if teacher not in named)
        wrong = {**one, "signer": other}
        about = (Signer(str(one["role"]), other, (one.get("subjects") or [""])[0]),)
        answer = driver.sign(episode, [wrong])
        episode.attempts.append(_attempt("sign-as-other", f"{case.id}#sign", answer, signers=about))
        right = driver.sign(episode, role_group)
        who = tuple(signers_of(role_group[:1]))[:1]
        episode.attempts.append(_attempt("sign-as-named", f"{case.id}#sign", right, signers=who))
        if right.status != 200:
            episode.stopped = "sign"
            return episode
    issued = episode.note("issue", driver.vendor.issue(episode.local))
    episode.attempts.append(_attempt("issue-complete", f"{case.id}#issue", issued))
    return episode


def locked(driver: Driver, case: Case) -> Episode:
    """Content can be changed before anybody signed, not after its signer did, and never after issue."""
    episode = driver.enter(case)
    if episode.stopped:
        return episode
    subject = next(one for one in case.data["subjects"] if one.get("comment"))
    code, comment = str(subject["code"]), str(subject["comment"])
    where = f"{case.id}#edit"

    def edit(kind: str, text: str, unchanged: bool | None = None) -> Attempt:
        answer = episode.note("edit", driver.vendor.edit(episode.local, {"subjects": {code: {"comment": text}}}))
        attempt = _attempt(
            kind,
            where,
            answer,
            detail=f"{code}.comment",
            offered=answer.status not in NO_SUCH_CALL,
            unchanged=unchanged,
        )
        episode.attempts.append(attempt)
        return attempt

    opened = edit("edit-open", comment + " (a)")
    if opened.accepted:
        edit("edit-open", comment)
    groups = by_role(driver.signings(case))
    driver.sign(episode, groups[0])
    after_signing = edit("edit-after-signing", comment + " (b)")
    for group in groups[1:]:
        if driver.sign(episode, group).status != 200:
            break
    issued = episode.note("issue", driver.vendor.issue(episode.local))
    if issued.status != 200:
        # an accepted change may rightly have undone a signature; the acceptance itself is what is judged
        episode.stopped = "issue"
        return episode
    driver.fetch(episode)
    after_issue = edit("edit-after-issue", comment + " (c)")
    before = episode.document
    again = driver.vendor.document(episode.local)
    same = again.status == 200 and again.body == before
    position = episode.attempts.index(after_issue)
    episode.attempts[position] = dataclasses.replace(after_issue, unchanged=same)
    if not after_signing.offered and before is not None:
        position = episode.attempts.index(after_signing)
        kept = (comment + " (b)").encode() not in before
        episode.attempts[position] = dataclasses.replace(after_signing, unchanged=kept)
    return episode


def unissued(driver: Driver, case: Case) -> Episode:
    """What was not issued cannot be submitted, and nothing of it reaches the Ministry; once issued it can."""
    episode = driver.enter(case)
    if episode.stopped:
        return episode
    start = driver.mark()
    answer = episode.note("submit", driver.vendor.submit(episode.local))
    if driver.ticks:
        driver.vendor.tick()
    driver.clock.sleep(min(10.0, 2 * driver.intervals.outbox))
    arrived = [one for one in driver.ministry.journal(start) if one.get("operation") == "submit"]
    episode.attempts.append(
        _attempt("submit-unissued", f"{case.id}#submit", answer, unchanged=not arrived if arrived else None)
    )
    if answer.status < 300:
        return episode  # what has left the house cannot be signed any more: no twin, and no second mistake
    driver.issue(episode)
    if not episode.stopped:
        driver.send(episode)
        if not episode.stopped:  # a refusal has been noted already
            submitted = [one for call, one in episode.answers if call == "submit"]
            episode.attempts.append(_attempt("submit-issued", f"{case.id}#submit", submitted[-1]))
    return episode


def impossible(driver: Driver, case: Case, programme: str) -> Episode:
    """Impossible input is refused with its field named; the sound twin is taken."""
    episode = driver.enter(case)
    created = episode.last
    if created is not None:
        episode.attempts.append(_attempt("sound-input", f"{case.id}#create", created, detail=case.id))
    for name, data, field in negative_inputs(driver.pack, programme, case):
        answer = episode.note("create", driver.vendor.create(data))
        offered = not driver.lacks(answer)
        episode.attempts.append(
            _attempt("impossible-input", f"{case.id}#{name}", answer, field=field, detail=name, offered=offered)
        )
    return episode


Maker = Callable[[str], Case]
"""Makes a sound case under a name: another name is another learner, as software allows one transcript a year."""


def every_one_missing(driver: Driver, make: Maker) -> list[Episode]:
    """:func:`one_missing` for each signature the document must carry (dispatch 1d)."""
    found = []
    for signer in signers_of(driver.signings(make("signers"))):
        if signer.role != "school-seal":
            name = f"without-{signer.role}" + (f"-{signer.subject}-{signer.signer}" if signer.subject else "")
            found.append(one_missing(driver, make(name), signer))
    return found


PROBES: dict[str, Callable[[Driver, Maker, str], list[Episode]]] = {
    "nobody-signed": lambda driver, make, _: [nobody_signed(driver, make("nobody-signed"))],
    "one-missing": lambda driver, make, _: every_one_missing(driver, make),
    "other-signers": lambda driver, make, _: [other_signers(driver, make("other-signers"))],
    "locked": lambda driver, make, _: [locked(driver, make("locked"))],
    "unissued": lambda driver, make, _: [unissued(driver, make("unissued"))],
    "impossible": lambda driver, make, programme: [impossible(driver, make("impossible"), programme)],
}
"""All probes of a programme, by stable name; each transcript is a learner of its own."""
