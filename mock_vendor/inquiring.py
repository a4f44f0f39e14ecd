"""What else is asked of the Ministry: newest versions, authorisations, retrievals, lists of records and of codes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from conformance.pack.pointer import get, put
from mock_vendor.client import Answer, Line, Trouble
from mock_vendor.mailing import Mailing
from mock_vendor.reasons import Reason, Refused
from mock_vendor.transcripts import Job

TRIES = 4
MOST_PAGES = 1000
LEARNER_LISTS = {"gender": "genders", "ethnicity": "ethnicities", "nationality": "nationalities"}
"""Code lists of a learner's fields."""
SHOWN_STATES = ("accepted", "superseded", "revoked")

AUTHORISATION_REASONS = {
    "authorisation-expired": "AUTH_EXPIRED",
    "authorisation-foreign": "AUTH_FOREIGN",
    "authorisation-used": "AUTH_USED",
    "authorisation-purpose": "AUTH_PURPOSE",
    "authorisation-unknown": "NOT_FOUND",
    "authorisation-period": "OUT_OF_RANGE",
    "record-revoked": "REVOKED_RECORD",
    "not-found": "NOT_FOUND",
}
"""Reasons of the test interface by the pack's key of the service's error."""


@dataclass(frozen=True, slots=True)
class Received:
    """A transcript as the Ministry handed it out."""

    content: bytes
    record: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Ministry says of a record now."""

    version: int | None
    digest: str
    revoked: bool


@dataclass(slots=True)
class KnownList:
    """A code list as last fetched."""

    name: str
    etag: str = ""
    entries: list[dict[str, Any]] = field(default_factory=list)


class Inquiring(Mailing):
    """How the software asks. Methods are seams that a named defect may replace."""

    def asked(
        self,
        line: Line,
        method: str,
        url: str,
        message: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """An answer that says something; asked again a few times while there is none.

        Raises:
            Refused: still none.
        """
        body = None if message is None else json.dumps(message, ensure_ascii=False).encode()
        said = ""
        most = self.tries()
        for attempt in range(1, most + 1):
            wait: float | None = None
            try:
                answer = self.call(line, self.clock.monotonic(), method, url, body, more)
                if answer.status in (200, 201, 304) or (answer.status in range(400, 500) and answer.status != 429):
                    return answer
                said, wait = f"HTTP {answer.status}", answer.retry_after
            except Trouble as error:
                said, wait = str(error), error.wait
            if attempt < most:
                self.clock.sleep(self.pause(attempt, 0.4, 5.0, wait))
        raise Refused(409, [Reason("UNAVAILABLE", message=said)])

    def tries(self) -> int:
        """How often a question is asked while there is no usable answer."""
        return TRIES

    def reason_of(self, answer: Answer) -> Reason:
        """Why the service refused, as the test interface says it."""
        code = self.problem_code(answer)
        errors = self.pack.messages["errors"]
        key = next((name for name, one in errors.items() if one["code"] == code), "")
        detail = get(answer.data, self.pack.messages["problem"]["detail"])
        told = f"HTTP {answer.status} {code}: {detail or ''}".strip(": ")
        return Reason(AUTHORISATION_REASONS.get(key, "OTHER"), message=told)

    # the record's newest version

    def newest(self, line: Line, record: str) -> dict[str, Any] | None:
        """Version and digest of what the Ministry holds; ``None`` when it has none that can be read."""
        method, url = self.url(line, "fetch", record=record)
        answer = self.asked(line, method, url)
        if answer.status != 200 or not answer.body:
            return None
        try:
            return {
                "version": self.version_in(answer.body),
                "digest": self.pack.header.identifiers.digest(answer.body),
            }
        except ValueError:
            return None

    def version_in(self, data: bytes) -> int:
        """The version that a document names.

        Raises:
            ValueError: none.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            raise ValueError(str(error)) from error
        binding = self.pack.binding
        path = f"{binding.groups['version']}/{binding.fields['version.number'].path}"
        name = "/".join(f"{{{binding.namespace}}}{step}" for step in path.split("/"))
        return int(root.findtext(name) or "")

    def resolve(self, line: Line, now: float, job: Job) -> tuple[dict[str, Any] | None, Job | None]:
        """After a conflict: what the Ministry holds, and nothing to send in its place."""
        del now
        try:
            return self.newest(line, job.record), None
        except Refused:
            return None, None

    def conflict_message(self, newest: Mapping[str, Any] | None) -> str:
        """What the operator is told of a conflict."""
        held = f"phiên bản / version {newest['version']}, SHA-256 {newest['digest'][:12]}…" if newest else "?"
        return (
            f"Bộ đang giữ bản khác ({held}): hãy sửa đổi từ bản đó / the Ministry holds another version: amend that one"
        )

    # authorisations

    def authorisation(
        self, line: Line, learner: str, purpose: str, receiver: str, expires: datetime
    ) -> tuple[str, str]:
        """Authorise a receiver: the code, and until when.

        Raises:
            Refused: by the service, or no usable answer.
        """
        fields = self.pack.messages["authorisation-request"]
        message: dict[str, Any] = {}
        put(message, fields["learner"], learner)
        put(message, fields["purpose"], self.pack.messages["purposes"][purpose])
        put(message, fields["receiver"], receiver)
        put(message, fields["until"], expires.isoformat(timespec="seconds"))
        method, url = self.url(line, "authorise")
        answer = self.asked(line, method, url, message)
        told = self.pack.messages["authorisation"]
        code = get(answer.data, told["code"])
        if answer.status not in (200, 201) or not isinstance(code, str):
            raise Refused(409, [self.reason_of(answer)])
        return code, str(get(answer.data, told["until"]) or "")

    def retrieved(self, line: Line, authorisation: str, purpose: str | None, school: str | None) -> list[Received]:
        """What an authorisation gives; a lost answer is asked for again.

        Raises:
            Refused: by the service, or no usable answer.
        """
        del school
        fields, told = self.pack.messages["retrieval-request"], self.pack.messages["retrieval-item"]
        message: dict[str, Any] = {}
        put(message, fields["code"], authorisation)
        if purpose:
            put(message, fields["purpose"], self.pack.messages["purposes"][purpose])
        method, url = self.url(line, "retrieve")
        answer = self.asked(line, method, url, message)
        listed = get(answer.data, self.pack.messages["retrieval"]["items"])
        if answer.status != 200:
            raise Refused(409, [self.reason_of(answer)])
        found = []
        for one in listed if isinstance(listed, list) else []:
            try:
                content = base64.b64decode(str(get(one, told["content"]) or ""), validate=True)
            except binascii.Error as error:
                raise Refused(409, [Reason("INVALID_DOCUMENT", message="không phải base64 / not base64")]) from error
            version = get(one, told["version"])
            found.append(
                Received(content, str(get(one, told["record"]) or ""), version if isinstance(version, int) else None)
            )
        if not found:
            raise Refused(409, [Reason("NOT_FOUND", message="không có học bạ nào / no transcript")])
        return found

    def standing(self, line: Line, record: str, authorisation: str) -> Standing:
        """What is in force now.

        Raises:
            Refused: by the service, or no usable answer.
        """
        told = self.pack.messages["in-force"]
        method, url = self.url(line, "in-force", record=record)
        answer = self.asked(line, method, url, more={self.pack.messages["headers"]["authorisation"]: authorisation})
        if answer.status != 200:
            raise Refused(409, [self.reason_of(answer)])
        version = get(answer.data, told["version"])
        return Standing(
            version if isinstance(version, int) else None,
            str(get(answer.data, told["digest"]) or "").lower(),
            bool(get(answer.data, told["revoked"])),
        )

    def force_reasons(self, received: Received, standing: Standing) -> list[Reason]:
        """Why what was received is not the version in force."""
        if standing.revoked:
            return [Reason("REVOKED_RECORD", message="học bạ đã bị thu hồi / the transcript is revoked")]
        if standing.digest != hashlib.sha256(received.content).hexdigest():
            return [Reason("SUPERSEDED", message=f"bản có hiệu lực là / in force is version {standing.version}")]
        return []

    # lists

    def records(self, line: Line, school_year: str | None, school: str | None) -> list[dict[str, Any]]:
        """The Ministry's list of this software's records, over all pages.

        Raises:
            Refused: by the service, or no usable answer.
        """
        names, pages, told = (self.pack.messages[name] for name in ("query", "list", "list-item"))
        asked = {names["school-year"]: school_year, names["school"]: school}
        query = {name: value for name, value in asked.items() if value}
        method, url = self.url(line, "list")
        found: dict[str, dict[str, Any]] = {}
        for _ in range(MOST_PAGES):
            answer = self.asked(line, method, f"{url}?{urlencode(query)}" if query else url)
            listed = get(answer.data, pages["items"])
            if answer.status != 200 or not isinstance(listed, list):
                raise Refused(409, [self.reason_of(answer)])
            for one in listed:
                state = self.state_names.get(str(get(one, told["state"])), "")
                record = {
                    "recordId": str(get(one, told["record"]) or ""),
                    "version": get(one, told["version"]),
                    "state": state if state in SHOWN_STATES else "",
                    "digest": str(get(one, told["digest"]) or ""),
                }
                found[record["recordId"]] = {name: value for name, value in record.items() if value}
            cursor = get(answer.data, pages["next"])
            if not cursor:
                break
            query[names["cursor"]] = str(cursor)
        return list(found.values())

    def refreshed(self, line: Line, known: KnownList) -> KnownList:
        """A code list as it is now; asked for with its ETag where there is one.

        Raises:
            Refused: by the service, or no usable answer.
        """
        method, url = self.url(line, "code-lists", name=known.name)
        answer = self.asked(line, method, url, more=self.conditions(known))
        if answer.status == 304:
            return known
        told = self.pack.messages["code-list"]
        listed = get(answer.data, told["entries"])
        if answer.status != 200 or not isinstance(listed, list):
            raise Refused(409, [self.reason_of(answer)])
        names = ("code", "label", "valid-from", "valid-to")
        entries = [{name: get(one, told[name]) for name in names} for one in listed]
        return KnownList(known.name, answer.etag, entries)

    def conditions(self, known: KnownList) -> dict[str, str]:
        """Headers of a conditional request."""
        return {"If-None-Match": known.etag} if known.etag else {}

    def refreshable(self) -> list[str]:
        """Code lists that are kept up to date."""
        return sorted(self.pack.codes)

    def outdated(self, case: Mapping[str, Any], known: Mapping[str, KnownList], day: date) -> list[Reason]:
        """Codes of a case that the Ministry's lists do not hold on a day; lists that were never fetched say nothing."""
        learner = case["learner"]
        asked = [(f"/learner/{field}/code", names, learner[field]["code"]) for field, names in LEARNER_LISTS.items()]
        asked += [(f"/subjects/{index}/code", "subjects", one["code"]) for index, one in enumerate(case["subjects"])]
        return [
            Reason("UNKNOWN_CODE", field, message=f"mã hết hiệu lực hoặc không có / not in the list on {day}: {code}")
            for field, name, code in asked
            if name in known and known[name].entries and not self.in_list(known[name], code, day)
        ]

    def in_list(self, known: KnownList, code: str, day: date) -> bool:
        """Whether a code is valid on a day by the Ministry's list."""
        return any(
            one["code"] == code
            and (not one["valid-from"] or date.fromisoformat(one["valid-from"]) <= day)
            and (not one["valid-to"] or day <= date.fromisoformat(one["valid-to"]))
            for one in known.entries
        )
