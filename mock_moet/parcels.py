"""A submission as it came: its fields by the pack's keys, its content decoded and digested once."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.evidence import digest_of
from mock_moet.wire import BodyError, Wire, parse_base64, pick, place

_SHOWN = 200
"""Characters of a stranger's text that the journal keeps."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One submission, or what stood in the place of one."""

    value: Any
    """The JSON value."""
    fields: Mapping[str, Any]
    content: bytes | None
    """``None``: there is none, or it is not strict base64 (``trouble``)."""
    digest: str
    size: int
    trouble: BodyError | None

    @classmethod
    def of(cls, wire: Wire, value: Any) -> Parcel:
        """From a JSON value of any kind."""
        fields = wire.read("submission", value)
        packed = fields.get("content")
        content: bytes | None = None
        seen, trouble = b"", None
        if isinstance(packed, str):
            try:
                seen = content = parse_base64(packed)
            except BodyError as error:
                trouble = error
                try:
                    seen = base64.b64decode(packed)
                except ValueError:
                    return cls(value, fields, None, "", 0, trouble)
        return cls(value, fields, content, digest_of(seen), len(seen), trouble)

    @property
    def record(self) -> str | None:
        """The record it names, if it names one."""
        named = self.fields.get("record")
        return named if isinstance(named, str) else None

    def envelope(self, wire: Wire) -> dict[str, Any]:
        """What it says outside its content, for the journal: texts cut short, anything but plain values left out."""
        made: dict[str, Any] = {}
        for key, pointer in wire.messages["submission"].items():
            found = pick(self.value, pointer)
            if key != "content" and isinstance(found, str | int | float):
                place(made, pointer, found[:_SHOWN] if isinstance(found, str) else found)
        return {"envelope": made, "contentSha256": self.digest, "contentSize": self.size}
