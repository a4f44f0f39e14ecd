"""From contents to text: the pack's template, escaped, in NFC."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mock_vendor.contents import Composing, Contents
from mock_vendor.register import ROLES


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was made: its slot, the subject and signer it stands for, and its text."""

    role: str
    signer: str
    subject: str
    box: str
    """``Id`` of the box it stands in."""
    xml: str


class Writing(Composing):
    """Writes documents. Methods are seams that a named defect may replace."""

    @cached_property
    def environment(self) -> Environment:
        """The pack's texts; every value is escaped."""
        return Environment(
            loader=FileSystemLoader(self.pack.path("vendor")),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            finalize=self._final,
        )

    @cached_property
    def template(self) -> Template:
        """The pack's text of the document."""
        return self.environment.get_template("document.xml.j2")

    def _final(self, value: Any) -> Any:
        return value if isinstance(value, Markup) else self.letters(str(value))

    def letters(self, text: str) -> str:
        """A text as it is written: composed letters (NFC)."""
        return unicodedata.normalize("NFC", text)

    def ids(self, contents: Contents) -> dict[str, str]:
        """``Id`` values by anchor: stable over versions, so that unchanged parts keep their signatures."""
        names = ["content", "record", "learner", "marks", "summary"]
        names += [f"slot:{role}" for role in ROLES]
        names += [f"subject:{one['key']}" for one in contents["subjects"]]
        return {name: name.replace(":", "-") for name in names}

    def text(self, contents: Contents, signatures: Sequence[Signature], *, sealed: bool) -> str:
        """The whole document with the signatures made so far."""
        slots: Mapping[str, list[dict[str, Any]]] = {
            role: [{"box": one.box, "xml": Markup(one.xml)} for one in signatures if one.role == role]  # noqa: S704  # our own XML
            for role in ROLES
        }
        rendered = self.template.render(
            contents,
            ids=self.ids(contents),
            namespace=self.pack.binding.namespace,
            spec_version=self.pack.header.spec_version,
            roles={slot.name: slot.role for slot in self.pack.signature.slots},
            signatures=slots,
            sealed=sealed,
        )
        return self.before_signing(rendered.lstrip())

    def before_signing(self, text: str) -> str:
        """The text as it is signed; the same at every signature."""
        return text

    def issued_bytes(self, text: str) -> bytes:
        """The bytes that are issued, and kept."""
        return text.encode()
