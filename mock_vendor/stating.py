"""Revocation statements: the pack's text, signed by the principal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup

from conformance.pack import Pack
from mock_vendor.register import PRINCIPAL, Wanted
from mock_vendor.signing import Credential, Sheet, Signing
from mock_vendor.writing import Signature

TEMPLATE = "revocation.xml.j2"


class Stating(Signing):
    """How the software revokes. Methods are seams that a named defect may replace."""

    @property
    def revokes(self) -> bool:
        """Whether this software can revoke: the pack has a form of the statement."""
        return self.pack.revocation is not None and self.pack.path("vendor", TEMPLATE).is_file()

    def statement(
        self, facts: Mapping[str, Any], leader: Wanted, find: Callable[[str], Credential], at: datetime
    ) -> bytes:
        """The signed statement.

        Args:
            facts: by model name: ``record``, ``version``, ``issue``.
            leader: who signs.
            find: a signer's key.
            at: the signing time, with zone.
        """
        form = self.pack.revocation
        assert form is not None  # the capability is offered only then
        ids = {"content": "content", f"slot:{PRINCIPAL}": "slot-principal"}
        sheet = Sheet.of(self.stated(form, facts, ids, []), form.binding.id_attribute)
        slot = next(one for one in form.signature.slots if one.name == PRINCIPAL)
        credential = self.credential_of(leader, find)
        made = self.signature(sheet, leader, [ids[name] for name in slot.covers], credential, at)
        return self.stated(form, facts, ids, self.statement_signatures(made)).encode()

    def statement_signatures(self, made: Signature) -> list[Signature]:
        """The signatures that the statement carries."""
        return [made]

    def statement_reason(self, reason: str) -> str:
        """The reason that the statement gives."""
        return reason

    def stated(self, form: Pack, facts: Mapping[str, Any], ids: Mapping[str, str], signatures: list[Signature]) -> str:
        """The statement's text with the signatures made so far."""
        return (
            self.environment.get_template(TEMPLATE)
            .render(
                facts,
                ids=ids,
                namespace=form.binding.namespace,
                roles={slot.name: slot.role for slot in form.signature.slots},
                signatures={PRINCIPAL: [{"box": one.box, "xml": Markup(one.xml)} for one in signatures]},  # noqa: S704  # our own XML
            )
            .lstrip()
        )
