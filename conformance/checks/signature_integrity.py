"""KY-006: digests and values verify; and when they do not: what happened, told once, at the innermost place."""

from __future__ import annotations

import base64
import hmac
from functools import cached_property

from lxml import etree

from conformance.checks.signers import SUBJECT_TEACHER, Ledger
from conformance.pack import Pack
from conformance.signature.algorithms import digest
from conformance.signature.budget import Budget
from conformance.signature.canonical import DS, canonical
from conformance.signature.certificate import holder
from conformance.signature.diagnose import CHANGED, Diagnosis, why
from conformance.signature.parse import SIGNATURE, Reference
from conformance.signature.removed import actual_digest
from conformance.signature.unfinished import unfinished
from conformance.signature.verify import DocumentSignatures, Signature

RULE = "PL1-KY-006"
_SAME = ("reindented", "namespace-context", "prefix")
"""What happens to SignedInfo together with the parts it refers to."""
_REMOVED = "reference-removed"
_DIGEST_EDITED = "digest-edited"
_NO_CERTIFICATE = "PL1-CTS-001.no-certificate"
_MOST_HINTS = 60
_NAMED = 200
"""Changed parts that are looked at for their names."""
SEVERAL = 3
"""Signatures of a document from which something that all have is the software's doing, no chance."""
_INSTRUCTION = "PL1-DOC-003.instruction"
_UNKNOWN_ATTRIBUTE = "PL1-STR-001.attribute-unknown"
_DANGLING = "PL1-KY-007.dangling"
EXCHANGED = "PL1-KY-006.certificate-exchanged"
"""A certificate put in the place of the signer's: that it is somebody else's follows."""
_NAMED_SIGNERS = 3
"""Persons whose names a finding says; it counts the others."""
_IN_SLOTS = ("signed-later", "value-later", "unsigned-later", "slot-changed", "inserted")
"""What happens to the signatures in a slot: told once for each signature above them."""


class _Integrity:
    def __init__(self, facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
        self.facts = facts
        self.ledger = ledger
        self.pack = pack
        self.budget = Budget()
        self.subjects = {
            id(subject.node): subject.name.raw
            for subject in ledger.document.transcript.subjects
            if subject.name is not None
        }
        self.replaced = ""
        """The code once a subject was found replaced together with its signature: its slot has changed as well."""
        self.slots: dict[Signature, str] = {}
        """First root of a signature about the slots it covers."""
        self.good: dict[etree._Element, int] = {}
        for one in facts.signatures:
            for reference in one.references:
                if reference.good and reference.target is not None:
                    self.good[reference.target] = self.good.get(reference.target, 0) + 1

    @cached_property
    def _strange(self) -> set[str]:
        """Names of elements of which no digest fits: that is how the software makes them, or all was written anew."""
        targets: dict[str, set[etree._Element]] = {}
        content: set[str] = set()
        fitting: set[str] = set()
        for each in (each for one in self.facts.signatures for each in one.references):
            if each.target is None:
                continue
            name = etree.QName(each.target).localname
            targets.setdefault(name, set()).add(each.target)
            if not each.own:
                content.add(name)
            if each.good is not False:
                fitting.add(name)
        strange = {name for name, those in targets.items() if name not in fitting and len(those) >= SEVERAL}
        several = len(self.facts.signatures) >= SEVERAL
        return strange | content if several and content.isdisjoint(fitting) else strange

    @cached_property
    def _hints(self) -> tuple[str, ...]:
        """Names and identifiers in the certificates: what a person's name or number may have been at signing."""
        holders = [one.holder for one in self.ledger.binding.bound if one.holder is not None]
        said = [text for one in holders for text in (one.name, *one.identifiers.values())]
        return tuple(dict.fromkeys(said))[:_MOST_HINTS]

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
        if one.value_cause == _DIGEST_EDITED:
            return  # the parts have not changed, which is told with the value
        shared = [each for each in failing if not each.own and self._others_agree(each, one)]
        origin = ""
        if shared:
            found = self._why(shared[0])
            # what others confirm was not edited here: it was another value where the signature was made
            lifted = found.cause in (CHANGED, "value-edited", "attribute")
            origin = self._tell(one, shared[0], Diagnosis("lifted") if lifted else found, self._attribute(found))
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
            self._tell(one, reference, Diagnosis(CHANGED), origin)
            return
        if reference.own:
            found = self._why(reference)
            edited = found.cause in (CHANGED, "value-edited", "attribute")
            changed = self._unknown(target) or Diagnosis("properties-changed")
            code = self._tell(one, reference, changed if edited else found, self._attribute(found))
            self.ledger.explains(one.node, code)
            return
        inner = self.ledger.reason_within(target)
        if inner:
            self._tell(one, reference, Diagnosis(CHANGED), inner)
            return
        found = self._unfinished(reference) or self._why(reference)
        if found.cause == CHANGED:
            found = self._unknown(target) or self._layered(one, target)
        elif found.cause == "inserted" and found.node is not None and found.node.find(f".//{SIGNATURE}") is not None:
            late = self._layered(one, target)
            found = late if late.cause == "signed-later" else found
        origin = (self.replaced or self._lost(target)) if found.cause == "slot-changed" else ""
        if found.cause == "instruction":
            origin = _INSTRUCTION
        elif found.cause == "attribute":
            found, origin = Diagnosis(CHANGED), self._attribute(found)
        elif found.cause == CHANGED and one.slot.name != SUBJECT_TEACHER and _DANGLING in self.ledger.codes.values():
            origin = _DANGLING  # what a signature inside pointed to was taken out
        if found.cause in _IN_SLOTS and target.find(f".//{SIGNATURE}") is not None:
            origin = origin or self.slots.get(one, "")
        for cause in found.also:
            self._tell(one, reference, Diagnosis(cause))
        code = self._tell(one, reference, found, origin)
        if found.cause == "replaced":
            self.replaced = code
        if found.cause in _IN_SLOTS and target.find(f".//{SIGNATURE}") is not None:
            self.slots.setdefault(one, code)
        self.ledger.explains(target, code)
        self.ledger.explains(one.node, code)

    def _lost(self, target: etree._Element) -> str:
        """What a signature inside lacks, for whose want the slot differs from what was signed; empty: nothing."""
        for one in self.facts.signatures:
            if target in one.node.iterancestors():
                if one.leaf is None and not one.parsed.certificates:
                    return _NO_CERTIFICATE
                if self.ledger.codes.get(one) == _DANGLING:
                    return _DANGLING
        return ""

    def _attribute(self, found: Diagnosis) -> str:
        """The code of the finding about an attribute that explains the digest, where there is one."""
        told = found.cause == "attribute" and any(
            one.code == _UNKNOWN_ATTRIBUTE for one in self.ledger.found.violations
        )
        return _UNKNOWN_ATTRIBUTE if told else ""

    def _unknown(self, target: etree._Element) -> Diagnosis | None:
        """Where it would be wrong to speak of a change."""
        name = etree.QName(target).localname
        return Diagnosis("nothing-fits", None, {"kind": name}) if name in self._strange else None

    def _layered(self, one: Signature, target: etree._Element) -> Diagnosis:
        """Why an outer layer fails over parts whose own signatures are sound."""
        inside = [
            each for each in self.facts.signatures
            if any(above is target for above in each.node.iterancestors())
        ]  # fmt: skip
        if inside:
            late = [each for each in inside if each.time and one.time and each.time.moment > one.time.moment]
            if late:
                return Diagnosis("signed-later", None, {"later": self.ledger.binding.find(late[0]).who})
            return Diagnosis("slot-changed")
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
        slots = any(
            each.good is False and each.target is not None and each.target.find(f".//{SIGNATURE}") is not None
            for each in one.references
        )
        if subjects and slots and not content and all(each in signed for each in subjects):
            return Diagnosis("replaced")
        return self._narrowed(target)

    def _unfinished(self, reference: Reference) -> Diagnosis | None:
        """What came into a slot of signatures only after this digest of it was taken."""
        target = reference.target
        if target is None or len(reference.steps) != 1 or target.find(f"*/{SIGNATURE}") is None:
            return None
        step = reference.steps[0]
        try:
            found = unfinished(
                target,
                lambda element: canonical(element, step.method, step.prefixes),
                lambda octets: hmac.compare_digest(digest(reference.digest_name, octets), reference.value),
                self.budget,
            )
        except etree.C14NError:  # PL1-KY-007 says why
            return None
        if found is None:
            return None
        cause, boxes = found
        signers = [self.ledger.binding.find(one).who for one in self.facts.signatures if one.box in boxes]
        named = ", ".join(signers[:_NAMED_SIGNERS])
        more = len(signers) - _NAMED_SIGNERS
        later = f"{named} … (+{more})" if more > 0 else named
        return Diagnosis(cause, boxes[0] if len(boxes) == 1 else None, {"later": later})

    def _narrowed(self, target: etree._Element) -> Diagnosis:
        """What other signatures confirm has not changed: the change is in the rest."""
        children = list(target.iterchildren(etree.Element))
        suspects = [child for child in children if not self.good.get(child)]
        if not suspects or len(suspects) == len(children):
            return Diagnosis(CHANGED)
        names = ", ".join(dict.fromkeys(self._called(child) for child in suspects[:_NAMED]))
        return Diagnosis("changed-within", suspects[0] if len(suspects) == 1 else None, {"suspects": names})

    def _called(self, element: etree._Element) -> str:
        """An element as a reader knows it: its name, and the subject it is or belongs to."""
        name = etree.QName(element).localname
        for one in (element, *element.iterancestors()):
            subject = self.subjects.get(id(one))
            if subject:
                return f"{name} ({subject})"
        return name

    def _others_agree(self, reference: Reference, one: Signature) -> bool:
        """Whether the very part this signature contradicts is confirmed by signatures beside it."""
        return one.slot.name == SUBJECT_TEACHER and reference.target in self.good

    def _why(self, reference: Reference) -> Diagnosis:
        if reference.target is None or len(reference.steps) != 1:
            return Diagnosis(CHANGED)
        step, method, value = reference.steps[0], reference.digest_name, reference.value
        found = why(reference.target, step, method, value, self.pack, self.budget, self.good, self._hints)
        if found.cause == "c14n-variant" and reference.node.find(f"{{{DS}}}Transforms") is None:
            found.details["expected"] += " (– Transforms)"
        return found

    def _tell(self, one: Signature, reference: Reference, found: Diagnosis, consequence_of: str = "") -> str:
        target = reference.target if reference.target is not None else reference.node
        node = found.node if found.node is not None else target
        details = dict(found.details)
        if "before" in details:
            details["name"] = self._called(node)
            details.setdefault("expected", details["before"])
            details.setdefault("seen", details.get("after", ""))
        elif "name" in details:
            details["name"] = self._called(node)
        observation = self.ledger.against(
            RULE, found.cause, node, signature=one, consequence_of=consequence_of, part=self._called(target), **details
        )
        return consequence_of or observation.code

    def _value(self, one: Signature) -> None:
        broken = any(each.good is False for each in one.references)
        # SignedInfo reformatted with everything else is the same accident as the digests
        earlier = self.ledger.codes.get(one, "") if broken and one.value_cause in _SAME else ""
        if one.value_cause == "signed-info-c14n" and self.ledger.codes.get(one) == _UNKNOWN_ATTRIBUTE:
            earlier = _UNKNOWN_ATTRIBUTE  # what xml:* around it does to SignedInfo
        if one.value_cause == _REMOVED:
            earlier = self.ledger.codes.get(one, "")
        if one.value_cause == _DIGEST_EDITED:
            self._digest_edited(one)
            return
        info = one.parsed.signed_info
        if one.value_cause == "value" and info is not None and next(info.iter(etree.PI), None) is not None:
            earlier = earlier or _INSTRUCTION  # it stays in the canonical form
        exchanged = one.value_cause in ("value", "other-key") and one.xades_problem == "certificate-mismatch"
        by_other = one.maker is not None and not exchanged
        held = holder(one.maker, self.pack) if one.maker and by_other else self.ledger.binding.find(one).holder
        before, _, after = one.value_seen.partition(" → ")
        observation = self.ledger.against(
            RULE, EXCHANGED.rpartition(".")[2] if exchanged else one.value_cause, one.parsed.value_node, signature=one,
            consequence_of=earlier, part="SignedInfo", holder=held.name if held else "",
            seen=one.value_seen, expected="" if by_other else one.parsed.method.rpartition("#")[2],
            before=before, after=after,
        )  # fmt: skip
        self.ledger.explains(one.node, earlier or observation.code)

    def _digest_edited(self, one: Signature) -> None:
        """The parts are as they were signed; a digest in the signature is not."""
        reference = next(each for each in one.references if each.good is False and each.target is not None)
        written, right = reference.node.find(f"{{{DS}}}DigestValue"), actual_digest(reference)
        observation = self.ledger.against(
            RULE, _DIGEST_EDITED, reference.node if written is None else written, signature=one,
            part="" if reference.target is None else self._called(reference.target),
            expected=base64.b64encode(right or b"").decode(), seen="" if written is None else written.text or "",
        )  # fmt: skip
        self.ledger.explains(one.node, observation.code)


def check_integrity(facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
    """Judge PL1-KY-006 over all signatures, inner layers first."""
    _Integrity(facts, ledger, pack).run()
