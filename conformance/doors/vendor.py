"""The software under test behind its test interface (vendor-interface.md): one method a call, paths from the pack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from conformance.checks.management import Reason
from conformance.doors.http import PATIENCE, Answer, BadAnswer, Http, Oversized, Unreachable
from conformance.pack import Pack

PREFIX = "/hocba-test/v1"
METHODS = ("get", "put", "post", "patch", "delete")

BEGINNING = 120.0
"""Seconds for session and roster: opening some thirty PKCS#12 files takes interpreted languages most of a minute."""

DYING = 3.0
"""Seconds for which software that was told to stop hard may go on answering: it has to answer before it stops."""

SILENCES = ((10, 1.0), (3, 5.0))
"""After so many silences of an operation in a row: seconds it is waited for. A run must come to its end."""


class Clock(Protocol):
    """Time as the doors see it: real, or scaled in tests."""

    def monotonic(self) -> float:
        """Seconds since some start."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def reasons_of(answer: Answer) -> tuple[Reason, ...]:
    """The reasons of a refusal; none when the body has no such list."""
    data = answer.json()
    listed = data.get("reasons") if isinstance(data, dict) else None
    found = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict):
            parts = {
                name: str(one.get(name) or "") for name in ("code", "field", "role", "subject", "signer", "message")
            }
            found.append(Reason(**parts))
    return tuple(found)


class Vendor:
    """Calls the test interface. Refusals are answers, not errors: whoever asks decides what was expected."""

    def __init__(self, http: Http, pack: Pack, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._silent: Counter[str] = Counter()
        self._routes = {
            operation["operationId"]: (method.upper(), path)
            for path, operations in pack.test_interface["paths"].items()
            for method, operation in operations.items()
            if method in METHODS
        }

    def _call(self, operation: str, body: Any = None, *, patience: float = PATIENCE, **path: str) -> Answer:
        method, template = self._routes[operation]
        where = PREFIX + template.format_map({name: quote(value, safe="") for name, value in path.items()})
        silent = self._silent[operation]
        patience = next((seconds for times, seconds in SILENCES if silent >= times), patience)
        try:
            answer = self._http.call(method, where, body, patience=patience)
        except Unreachable:
            self._silent[operation] += 1
            raise
        del self._silent[operation]
        return answer

    def describe(self) -> dict[str, Any]:
        """Who the software is.

        Raises:
            BadAnswer: not a description.
        """
        answer = self._call("describe")
        data = answer.json()
        if answer.status != 200 or not isinstance(data, dict):
            hint = answer.why_no_json() or (
                "" if isinstance(data, dict) else "cần đối tượng JSON / wants a JSON object"
            )
            if answer.status in (401, 403):
                hint = "sai mã truy cập? / wrong token?"
            more = f" ({hint})" if hint else ""
            raise BadAnswer(f"GET {PREFIX}/: HTTP {answer.status}: không phải bản mô tả / not a description{more}")
        return data

    def begin(self, session: Mapping[str, Any]) -> Answer:
        """``PUT /session``."""
        return self._call("begin", session, patience=BEGINNING)

    def enrol(self, roster: Mapping[str, Any]) -> Answer:
        """``PUT /roster``."""
        return self._call("enrol", roster, patience=BEGINNING)

    def create(self, case: Mapping[str, Any]) -> Answer:
        """``POST /transcripts``."""
        return self._call("create", case)

    def edit(self, local: str, changes: Mapping[str, Any]) -> Answer:
        """``PATCH /transcripts/{id}``."""
        return self._call("edit", changes, id=local)

    def sign(self, local: str, signatures: Iterable[Mapping[str, Any]], *, limit: float) -> Answer:
        """Let signers sign; follows a 202 until it is decided, ``limit`` seconds at most.

        Raises:
            Unreachable: still undecided after ``limit`` seconds.
        """
        answer = self._call("sign", {"signatures": list(signatures)}, id=local)
        started = self._clock.monotonic()
        wait = 0.2
        while answer.status == 202:
            location = answer.headers.get("location", "")
            if not location.startswith("/"):
                raise BadAnswer(
                    f"Location: {location[:200]!r}: cần đường dẫn cùng máy chủ / wants a path on the same server"
                )
            if self._clock.monotonic() - started > limit:
                raise Unreachable(f"ký số chưa xong sau {limit:.0f} giây / signing not finished after {limit:.0f} s")
            self._clock.sleep(wait)
            wait = min(wait * 1.5, 5.0)
            answer = self._http.call("GET", location)
        return answer

    def issue(self, local: str) -> Answer:
        """``POST /transcripts/{id}/issue``."""
        return self._call("issue", id=local)

    def document(self, local: str) -> Answer:
        """``GET /transcripts/{id}/document``. Of an outsized one the beginning: it is found as too large a document."""
        try:
            return self._call("document", id=local)
        except Oversized as error:
            return error.answer

    def rendition(self, local: str) -> Answer:
        """``GET /transcripts/{id}/rendition``."""
        return self._call("rendition", id=local)

    def submit(self, local: str) -> Answer:
        """``POST /transcripts/{id}/submission``."""
        return self._call("submit", id=local)

    def submit_batch(self, locals_: Iterable[str]) -> Answer:
        """``POST /submissions``: several transcripts in batches."""
        return self._call("submit-batch", {"transcripts": list(locals_)})

    def amend(self, local: str, reason: str, changes: Mapping[str, Any]) -> Answer:
        """``POST /transcripts/{id}/amendment``."""
        return self._call("amend", {"reason": reason, "changes": changes}, id=local)

    def revoke(self, local: str, reason: str, *, limit: float) -> Answer:
        """``POST /transcripts/{id}/revocation``; ``limit``: seconds, the principal signs."""
        return self._call("revoke", {"reason": reason}, patience=max(PATIENCE, limit), id=local)

    def authorise(self, local: str, purpose: str, receiver: str) -> Answer:
        """``POST /transcripts/{id}/authorisation``."""
        return self._call("authorise", {"purpose": purpose, "receiver": receiver}, id=local)

    def receive(self, authorisation: str, *, purpose: str = "", school: str = "") -> Answer:
        """``POST /imports``."""
        body = {"authorisation": authorisation, "purpose": purpose, "school": school}
        return self._call("import", {key: value for key, value in body.items() if value})

    def refresh(self) -> Answer:
        """``POST /code-lists``."""
        return self._call("refresh")

    def records(self) -> Answer:
        """``GET /records``."""
        return self._call("records")

    def restart(self, *, limit: float) -> Answer:
        """``POST /restart``, and wait until the software is up again, ``limit`` seconds at most.

        Raises:
            Unreachable: it is not.
        """
        gone = False
        try:
            answer = self._call("restart")
        except Unreachable:
            # software that stops hard may well not answer any more
            answer, gone = Answer(202, b""), True
        if not 200 <= answer.status < 300:
            return answer
        started, wait = self._clock.monotonic(), 0.1
        while True:
            try:
                up = self._http.call("GET", f"{PREFIX}/", patience=5.0).status == 200
            except Unreachable:
                up = False
            gone = gone or not up
            spent = self._clock.monotonic() - started
            if up and (gone or spent > DYING):
                return answer
            if spent > limit:
                raise Unreachable(
                    f"chưa khởi động lại xong sau {limit:.0f} giây / not up again {limit:.0f} s after the restart"
                )
            self._clock.sleep(wait)
            wait = min(wait * 1.5, 2.0) if gone else wait

    def state(self, local: str) -> dict[str, Any]:
        """What the software shows its operator.

        Raises:
            BadAnswer: not a state.
        """
        answer = self._call("state", id=local)
        data = answer.json()
        if answer.status != 200 or not isinstance(data, dict):
            raise BadAnswer(
                f"GET {PREFIX}/transcripts/{{id}}: HTTP {answer.status}: không phải trạng thái / not a state"
            )
        return data

    def tick(self) -> bool:
        """Ask for the due background work; whether the software offers it."""
        return self._call("tick").status in (200, 202, 204)
