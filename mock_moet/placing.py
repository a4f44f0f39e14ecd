"""Records and authorisations that a test places in a space, so that receiving software can be offered anything."""

from __future__ import annotations

import secrets

from sqlalchemy.exc import IntegrityError

from conformance.evidence import digest_of
from mock_moet.grants import Grant
from mock_moet.judging import identify
from mock_moet.ministry import Ministry
from mock_moet.rules import Event, Known, State
from mock_moet.store import SpaceRow
from mock_moet.transaction import Fresh
from mock_moet.wire import BodyError, parse_base64


def placed_record(ministry: Ministry, space: SpaceRow, packed: str, state: State, *, handed_out: bool) -> Known:
    """Keep a transcript as it is. ``packed``: base64; ``handed_out``: ``retrieve`` gives it out whatever its state.

    Raises:
        ValueError: it cannot be read as a transcript, says no identifier, version or school, or that version is there.
    """
    try:
        content = parse_base64(packed)
    except BodyError as error:
        raise ValueError(f"content: {error}") from error
    document = identify(content, ministry.pack)
    if document is None or not document.record or document.version is None or not document.school:
        raise ValueError("content: không đọc được là học bạ / cannot be read as a transcript")
    event = Event.NEW if document.version == 1 else Event.UPDATE
    known = Known(
        secrets.token_hex(16), document.record, document.version, event, digest_of(content), state, document.school,
        document.learner, document.school_year,
    )  # fmt: skip
    now = ministry.now(space).isoformat()
    try:
        with ministry.store.write(space.name) as transaction:
            if not transaction.reserve(len(content)):
                raise ValueError("space: không còn / is gone")
            transaction.add(
                Fresh(
                    known, content, replaces=document.replaces, updated=now[:40], received_at=now,
                    learner_code=document.learner_code, handed_out=handed_out,
                )
            )  # fmt: skip
    except IntegrityError as error:
        raise ValueError("content: phiên bản này đã có / this version is there already") from error
    return known


def placed_authorisation(
    ministry: Ministry,
    space: SpaceRow,
    *,
    learner_code: str,
    purpose: str,
    receiver: str,
    seconds: float,
    used: bool,
) -> str:
    """Make an authorisation for all that the space holds of a learner; returns its code.

    ``seconds`` from now until it ends, negative: it has ended; ``used``: by a client that is not in the space.

    Raises:
        ValueError: no such purpose, or the space holds nothing of that learner, or of several with that code.
    """
    messages = ministry.wire.messages
    if purpose not in messages["purposes"]:
        raise ValueError(f"purpose: không có mục đích / no such purpose: {purpose}")
    now = ministry.now(space).timestamp()
    code = secrets.token_urlsafe(int(messages["authorisation-bytes"]))
    with ministry.store.write(space.name) as transaction:
        held = [one for one in transaction.everything() if one.learner_code == learner_code]
        learners = {one.known.learner for one in held}
        if len(learners) != 1:
            raise ValueError(f"learner: {len(learners)} học sinh có mã này / learners have this code")
        grant = Grant(
            learner=learners.pop(),
            learner_code=learner_code,
            schools=frozenset(one.known.school for one in held),
            purpose=purpose,
            receiver=receiver,
            until=now + seconds,
            used_by="nobody" if used else "",
            used_at=now if used else 0.0,
        )
        transaction.grant(code, grant)
    return code
