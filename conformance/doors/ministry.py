"""The mock Ministry's control interface: spaces, faults, scripted outcomes, journal (docs/control-api.md)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.doors.http import Http


@dataclass(frozen=True, slots=True)
class Space:
    """One run's own corner of the mock Ministry."""

    name: str
    base_url: str
    token_url: str
    client_id: str
    client_secret: str
    ca_pem: str = ""
    """The authority behind the service's certificate; empty without TLS."""


class Ministry:
    """Controls one space. The control interface answers on its own listener with its own token."""

    def __init__(self, http: Http, space: Space | None = None) -> None:
        self._http = http
        self._space = space

    @property
    def space(self) -> Space:
        """The space in use."""
        if self._space is None:
            raise RuntimeError("open() first")
        return self._space

    def open(self, **settings: Any) -> Space:
        """Open a space: schools, trust anchors and CRLs (PEM), judging. Over TLS it gets a port of its own."""
        health = self._http.expect("GET", "/health").json()
        # bad certificates can be shown at a port of one's own only
        if health.get("caPem") and health.get("ownPorts"):
            settings = {"ownPort": True, **settings}
        data = self._http.expect("POST", "/spaces", settings, status=(200, 201)).json()
        self._space = Space(
            data["space"],
            data["baseUrl"],
            data["tokenUrl"],
            data["clientId"],
            data["clientSecret"],
            data.get("caPem", ""),
        )
        return self._space

    def _path(self, rest: str) -> str:
        return f"/spaces/{self.space.name}{rest}"

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Replace the space's faults; an empty list clears them."""
        self._http.expect("PUT", self._path("/faults"), list(faults), status=(200, 201, 204))

    def outcomes(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Replace the scripted outcomes of judging; an empty list returns to judging for real."""
        self._http.expect("PUT", self._path("/outcomes"), list(outcomes), status=(200, 201, 204))

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """The space's journal entries with a number above ``after``."""
        data = self._http.expect("GET", self._path(f"/journal?after={after}")).json()
        entries: list[dict[str, Any]] = data["entries"] if isinstance(data, dict) else data
        return entries

    def submissions(self) -> list[dict[str, Any]]:
        """Everything that got a receipt."""
        data = self._http.expect("GET", self._path("/submissions")).json()
        found: list[dict[str, Any]] = data["submissions"] if isinstance(data, dict) else data
        return found

    def window(self, closed_years: Sequence[int]) -> None:
        """Close the window of these school years (first calendar year), and open all others."""
        self._http.expect("PUT", self._path("/window"), {"closedYears": list(closed_years)}, status=(200, 201, 204))

    def revoke_tokens(self) -> None:
        """Make every token given out unknown."""
        self._http.expect("DELETE", self._path("/tokens"), status=(200, 204))

    def place(self, content: bytes, *, state: str = "accepted", handed_out: bool = False) -> dict[str, Any]:
        """Keep a document unjudged; ``handed_out``: retrieved although it is not in force."""
        body = {"content": base64.b64encode(content).decode(), "state": state, "handedOut": handed_out}
        found: dict[str, Any] = self._http.expect("POST", self._path("/records"), body, status=(200, 201)).json()
        return found

    def authorisation(
        self, learner: str, receiver: str, *, purpose: str = "transfer", seconds: int = 3600, used: bool = False
    ) -> str:
        """An authorisation to retrieve a learner's transcripts; negative ``seconds``: expired already."""
        body = {"learner": learner, "receiver": receiver, "purpose": purpose, "seconds": seconds, "used": used}
        return str(self._http.expect("POST", self._path("/authorisations"), body, status=(200, 201)).json()["code"])

    def report(self, where: str) -> None:
        """Tell the console where the run's report is, or will be: an address or a path."""
        self._http.expect("PUT", self._path("/report"), {"url": where}, status=(200, 204))

    def console_link(self) -> str:
        """A link into the console that signs one browser in, once, within the hour."""
        return str(self._http.expect("POST", "/console/links", status=(200, 201)).json()["url"])

    def content(self, receipt: str) -> bytes:
        """The bytes behind a receipt."""
        return self._http.expect("GET", self._path(f"/submissions/{receipt}/content")).body
