"""One request on its way through the operations, and who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs

from mock_moet.parcels import Parcel
from mock_moet.store import ClientRow, SpaceRow
from mock_moet.wire import BodyError, Refusal


@dataclass(slots=True)
class Call:
    """One request. ``facts`` collects what the journal shall say of it."""

    operation: str
    method: str
    path: str
    query: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    space: SpaceRow
    client: ClientRow | None = None
    """Whose token it has; set when that was checked."""
    value: Any = None
    """The JSON body."""
    trouble: BodyError | None = None
    """Why the body is no JSON that can be taken."""
    parcels: list[Parcel] = field(default_factory=list)
    """The submissions in the body."""
    facts: dict[str, Any] = field(default_factory=dict)
    committed: bool = False
    record: str | None = None
    """The record a call is about, if it can be told."""

    @property
    def param(self) -> str:
        """The one parameter in the path."""
        return next(iter(self.params.values()))

    @property
    def caller(self) -> ClientRow:
        """The client of an authorised call."""
        assert self.client is not None
        return self.client

    def asked(self, name: str) -> str | None:
        """A query parameter's value; a repeated one, or one with control characters, is a mistake."""
        found = parse_qs(self.query, keep_blank_values=True).get(name, [])
        if len(found) > 1:
            raise Refusal("bad-request", vi=f"{name}: lặp lại", en=f"{name}: repeated")
        if found and not found[0].isprintable():
            raise Refusal("bad-request", vi=f"{name}: có ký tự lạ", en=f"{name}: odd characters")
        return found[0] if found else None

    def media_type(self) -> str:
        """The media type of the body, lower case without parameters; empty when none is said."""
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        return message.get_content_type() if self.headers.get("content-type") else ""


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, empty when it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
