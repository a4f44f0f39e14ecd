"""Transcripts of another school, made for one run, that receiving software is offered: sound ones and spoilt ones.

The documents are those of the pack's golden corpus (``fixtures/*.yaml``), made anew: each of a learner of its own, of
the run's school year, signed under the run's own authorities. They are made before the session begins, since the
software is given the revocation lists then.
"""

from __future__ import annotations

import base64
import copy
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from conformance.exchanges.model import ExchangeSpec
from conformance.exchanges.steps import Import
from conformance.fixtures import Corpus, load_definitions
from conformance.fixtures.define import Definitions
from conformance.fixtures.signing import Desk
from conformance.pack import Pack
from conformance.signature.pki import TestPki

SIGNED_BEFORE = timedelta(hours=1)
"""Before the run: no clock that is a little off sees a signature of the future."""
FIRST_LEARNER = 9500
"""From here on the reserved numbers are learners of the school that sends."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One transcript to be offered.

    ``newer``: the version that has superseded it, where one has; ``companion``: the learner's of the year before, where
    both are handed out.
    """

    content: bytes
    learner: str
    newer: bytes = b""
    companion: bytes = b""

    def data(self) -> dict[str, str]:
        """As JSON data."""
        contents = {"content": self.content, "newer": self.newer, "companion": self.companion}
        packed = {name: base64.b64encode(one).decode() for name, one in contents.items()}
        return {**packed, "learner": self.learner}

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Offer:
        """From :meth:`data`."""
        content, newer, companion = (base64.b64decode(data[name]) for name in ("content", "newer", "companion"))
        return cls(content, data["learner"], newer, companion)


def key_of(spec: ExchangeSpec, position: int) -> str:
    """The name of the transcript that a step offers: the exchange and the step's position."""
    return f"{spec.id}/{position}"


def make_offers(
    specs: Iterable[ExchangeSpec], pack: Pack, pki: TestPki, now: datetime, school_year: int
) -> dict[str, Offer]:
    """All transcripts that these exchanges offer, by :func:`key_of`. Revocations are entered in ``pki``'s lists.

    Raises:
        PackError: the pack has no such definition.
    """
    wanted = [
        (key_of(spec, position), step)
        for spec in specs
        for position, step in enumerate(spec.acts)
        if isinstance(step, Import)
    ]
    if not wanted:
        return {}
    signed_at = now - SIGNED_BEFORE
    desk = Desk(pack, signed_at, pki)
    known = load_definitions(pack)
    return {
        key: _offer(step, number, known, pack, desk, signed_at, school_year)
        for number, (key, step) in enumerate(wanted, FIRST_LEARNER)
    }


def _offer(
    step: Import, number: int, known: Definitions, pack: Pack, desk: Desk, signed_at: datetime, school_year: int
) -> Offer:
    definitions = _for_run(known, pack, number, signed_at, school_year)
    content = Corpus(pack, definitions, desk).document(definitions.documents[step.document])
    learner = _learner(pack, number)
    if step.companion is not None:
        before = _for_run(known, pack, number, signed_at, school_year - 1)
        companion = Corpus(pack, before, desk).document(before.documents[step.companion.document])
        return Offer(content, learner, companion=companion)
    if step.state != "superseded":
        return Offer(content, learner)
    values = {
        programme: {
            **base,
            "version": {
                **base["version"],
                "number": "2",
                "reason": "Sửa nhận xét môn học",
                "replaces": pack.header.identifiers.digest(content),
            },
        }
        for programme, base in definitions.values.items()
    }
    newer = replace(definitions, values=values)
    return Offer(content, learner, Corpus(pack, newer, desk).document(newer.documents[step.document]))


def _for_run(known: Definitions, pack: Pack, number: int, signed_at: datetime, school_year: int) -> Definitions:
    """The definitions with a learner of their own and the run's dates; every edit of theirs still applies."""
    fresh = uuid.uuid4()
    record = pack.header.identifiers.record_form.format(uuid=fresh, hex=fresh.hex.upper())
    values: dict[str, dict[str, Any]] = {}
    for programme, base in known.values.items():
        made = copy.deepcopy(dict(base))
        made["record"] |= {"id": record, "school_year": f"{school_year}-{school_year + 1}"}
        made["learner"]["code"] = _learner(pack, number)
        if made["learner"].get("national_id"):
            serial = str(int(pack.header.reserved.national_id_serial[0]) + number)
            made["learner"]["national_id"] = made["learner"]["national_id"][: -len(serial)] + serial
        made["version"]["created"] = (signed_at - timedelta(days=5)).date().isoformat()
        made["issue"]["signed_on"] = signed_at.date().isoformat()
        values[programme] = made
    return replace(known, values=values, signed_at=signed_at)


def _learner(pack: Pack, number: int) -> str:
    return f"{pack.header.reserved.learner_code_prefix}{99_990_000 + number:08}"
