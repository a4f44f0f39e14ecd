"""KY-006: digests and values verify; and when they do not: what happened, told once, at the innermost place."""

from __future__ import annotations

from lxml import etree

from conformance.checks.signers import SUBJECT_TEACHER, Ledger
from conformance.pack import Pack
from conformance.signature.diagnose import why
from conformance.signature.parse import SIGNATURE, Reference
from conformance.signature.verify import DocumentSignatures, Signature

RULE = "PL1-KY-006"
_CHANGED = "value-changed"
_BUDGET = 1024 * 1024
"""Octets of failing parts that may be tried in all variants in vain; then causes are told without."""


class _Integrity:
    def __init__(self, facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
        self.facts = facts
        self.ledger = ledger
        self.pack = pack
        self.budget = _BUDGET
        self.replaced = ""
        """The code once a subject was found replaced together with its signature: its slot has changed as well."""
        self.good: dict[object, int] = {}
        for one in facts.signatures:
            for reference in one.references:
                if reference.good and reference.target is not None:
                    self.good[reference.target] = self.good.get(reference.target, 0) + 1

    def run(self) -> None:
        unverified: list[Signature] = []
        for one in self.facts.signatures:
            self._digests(one)
            if one.value_good is False:
                self._value(one)
            elif one.value_good is None:
                unverified.append(one)
        if unverified:
            self.ledger.blocked(RULE, "not-verified", unverified[0].node, count=len(unverified))
        elif RULE not in self.ledger.seen and self.facts.signatures:
            self.ledger.found.held(RULE)

    def _digests(self, one: Signature) -> None:
        failing = [each for each in one.references if each.good is False and each.target is not None]
        if not failing:
            return
        # innermost first: what contains it follows from it
        failing.sort(key=self._order)
        shared = [each for each in failing if not each.own and self._others_agree(each, one)]
        origin = ""
        if shared:
            cause = self._why(shared[0])
            origin = self._tell(one, shared[0], "lifted" if cause == _CHANGED else cause)
            self.ledger.explains(one.node, origin)
        for reference in failing:
            if shared and reference is shared[0]:
                continue
            self._one(one, reference, origin)

    @staticmethod
    def _order(reference: Reference) -> tuple[int, bool]:
        """Deepest first; content before the slots, whose change may follow from the content's."""
        assert reference.target is not None
        return -sum(1 for _ in reference.target.iterancestors()), reference.target.find(f".//{SIGNATURE}") is not None

    def _one(self, one: Signature, reference: Reference, origin: str) -> None:
        target = reference.target
        assert target is not None
        if origin:
            self._tell(one, reference, _CHANGED, origin)
            return
        if reference.own:
            cause = self._why(reference)
            code = self._tell(one, reference, "properties-changed" if cause == _CHANGED else cause)
            self.ledger.explains(one.node, code)
            return
        inner = self.ledger.reason_within(target)
        if inner:
            self._tell(one, reference, _CHANGED, inner)
            return
        cause = self._why(reference)
        details: dict[str, str] = {}
        if cause == _CHANGED:
            cause, details = self._layered(one, target)
        origin = self.replaced if cause == "slot-changed" else ""
        code = self._tell(one, reference, cause, origin, **details)
        if cause == "replaced":
            self.replaced = code
        self.ledger.explains(target, code)
        self.ledger.explains(one.node, code)

    def _layered(self, one: Signature, target: etree._Element) -> tuple[str, dict[str, str]]:
        """Why an outer layer fails over parts whose own signatures are sound."""
        inside = [
            each for each in self.facts.signatures
            if any(above is target for above in each.node.iterancestors())
        ]  # fmt: skip
        if inside:
            late = [each for each in inside if each.time and one.time and each.time.moment > one.time.moment]
            if late:
                return "signed-later", {"later": self.ledger.binding.find(late[0]).who}
            return "slot-changed", {}
        subjects = [
            each for each in one.covered.get("subject", ())
            if each is not target and any(above is target for above in each.iterancestors())
        ]  # fmt: skip
        signed = {
            reference.target
            for each in self.facts.of(SUBJECT_TEACHER)
            for reference in each.references
            if reference.good
        }
        content = any(target is each for each in one.covered.get("content", ()))
        if subjects and not content and all(each in signed for each in subjects):
            return "replaced", {}
        return _CHANGED, {}

    def _others_agree(self, reference: Reference, one: Signature) -> bool:
        """Whether the very part this signature contradicts is confirmed by signatures beside it."""
        return one.slot.name == SUBJECT_TEACHER and self.good.get(reference.target, 0) > 0

    def _why(self, reference: Reference) -> str:
        if reference.target is None or len(reference.steps) != 1 or self.budget <= 0:
            return _CHANGED
        cause = why(reference.target, reference.steps[0], reference.digest_name, reference.value, self.pack)
        if cause == _CHANGED:
            self.budget -= len(etree.tostring(reference.target))
        return cause

    def _tell(self, one: Signature, reference: Reference, cause: str, consequence_of: str = "", **details: str) -> str:
        node = reference.target if reference.target is not None else reference.node
        part = etree.QName(node).localname
        observation = self.ledger.against(
            RULE, cause, node, signature=one, consequence_of=consequence_of, part=part, **details
        )
        return consequence_of or observation.code

    def _value(self, one: Signature) -> None:
        broken = any(each.good is False for each in one.references)
        # SignedInfo reformatted with everything else is the same accident as the digests
        earlier = self.ledger.codes.get(one, "") if broken and one.value_cause == "reindented" else ""
        observation = self.ledger.against(
            RULE, one.value_cause, one.parsed.value_node, signature=one, consequence_of=earlier, part="SignedInfo"
        )
        self.ledger.explains(one.node, earlier or observation.code)


def check_integrity(facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
    """Judge PL1-KY-006 over all signatures, inner layers first."""
    _Integrity(facts, ledger, pack).run()
