"""Which signature is whose: signatures bound to the persons the document names, and what is missing or too much."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.document import Document
from conformance.finding import Observation, Recorder
from conformance.pack import Pack
from conformance.signature.certificate import Holder, holder, plain
from conformance.signature.names import same
from conformance.signature.verify import DocumentSignatures, Signature
from conformance.transcript.model import Leader, Person, Subject

SUBJECT_TEACHER, HOMEROOM, PRINCIPAL, SEAL = "subject-teacher", "homeroom-teacher", "principal", "school-seal"
"""Names of slots in every pack, as anchors are: what they are called in the document is the pack's."""
MOST_MISSING = 100
"""Missing teachers that are looked at one by one: far more than a transcript names."""


@dataclass(slots=True, eq=False)
class Bound:
    """A signature and the person it must be of; no person: the school's seal, or nobody could be told."""

    signature: Signature
    person: Person | Leader | None = None
    subject: Subject | None = None
    holder: Holder | None = None

    @property
    def who(self) -> str:
        """How a finding calls the signer: name and subject as the document has them, else the role on the slot."""
        name = self.person.name.raw if self.person is not None and self.person.name else self._role
        subject = self.subject.name.raw if self.subject is not None and self.subject.name else ""
        return f"{name} ({subject})" if subject else name

    @property
    def _role(self) -> str:
        """The slot's role; for the school's seal with the name in its certificate."""
        role, named = self.signature.slot.role, self.person is None and self.signature.slot.name == SEAL
        return f"{role} ({self.holder.name})" if named and self.holder is not None and self.holder.name else role


@dataclass(slots=True)
class Binding:
    """All signatures of the document, bound."""

    bound: list[Bound] = field(default_factory=list)
    missing: list[tuple[Subject, Person]] = field(default_factory=list)
    several: list[Signature] = field(default_factory=list)
    """Subject signatures that cover more than one subject."""
    without: list[Signature] = field(default_factory=list)
    """Subject signatures that cover no subject."""
    surplus: list[Signature] = field(default_factory=list)

    def of(self, slot: str) -> list[Bound]:
        """What is bound in a slot."""
        return [one for one in self.bound if one.signature.slot.name == slot]

    def find(self, signature: Signature) -> Bound:
        """The binding of a signature, bound to nobody if it has none."""
        return next((one for one in self.bound if one.signature is signature), Bound(signature))


def matches(person: Person | Leader, held: Holder | None) -> bool | None:
    """Whether the certificate's identifier is the person's; ``None``: the two cannot be compared."""
    if held is None:
        return None
    national = person.national_id.raw if person.national_id else ""
    passport = getattr(person, "passport", None)
    # an old number of nine digits cannot be compared with one of twelve
    comparable = [one for one in held.values("id") if len(one) == len(national)]
    if national and comparable:
        return national in comparable
    numbers = held.values("passport")
    if passport and passport.raw and numbers:
        return plain(passport.raw) in map(plain, numbers)
    return None


def bind(document: Document, pack: Pack, facts: DocumentSignatures) -> Binding:
    """Bind every signature: by what it covers, then by the certificate's identifier, by name, by what is left."""
    binding = Binding()
    holders = {one: holder(one.leaf, pack) if one.leaf else None for one in facts.signatures}
    transcript = document.transcript
    _subjects(transcript.subjects, facts.of(SUBJECT_TEACHER), holders, binding)
    for slot, person in (
        (HOMEROOM, transcript.summary.homeroom_teacher),
        (PRINCIPAL, transcript.issue.leader),
        (SEAL, None),
    ):
        signatures = facts.of(slot)
        if not signatures:
            continue
        # the one that says it stands here before one that says it belongs elsewhere
        astray = set(facts.wrong_roles)
        chosen = next((one for one in signatures if one not in astray), signatures[0])
        if person is not None:
            chosen = next((one for one in signatures if matches(person, holders[one])), chosen)
        binding.bound.append(Bound(chosen, person, None, holders[chosen]))
        binding.surplus.extend(one for one in signatures if one is not chosen)
    return binding


def _subjects(
    subjects: Sequence[Subject],
    signatures: Sequence[Signature],
    holders: dict[Signature, Holder | None],
    binding: Binding,
) -> None:
    by_node = {id(subject.node): subject for subject in subjects}
    covering: dict[int, list[Signature]] = {id(subject.node): [] for subject in subjects}
    for one in signatures:
        covered = [id(element) for element in one.covered.get("subject", ()) if id(element) in by_node]
        if not covered:
            binding.without.append(one)
        elif len(covered) > 1:
            binding.several.append(one)
        for key in covered:
            covering[key].append(one)
    bound: set[Signature] = set()
    for subject in subjects:
        candidates = covering[id(subject.node)]
        rest = _named(subject, candidates, holders, binding, bound)
        for teacher, kind in rest:
            if not kind:
                binding.missing.append((subject, teacher))
    taken = {id(signature) for signature in bound}
    binding.surplus.extend(
        one for one in signatures if id(one) not in taken and one not in binding.without and one not in binding.several
    )
    # a signature that covers no subject is still somebody's, if its certificate says whose
    for one in binding.without:
        missing = itertools.islice(binding.missing, MOST_MISSING)
        number = next((number for number, (_, teacher) in enumerate(missing) if matches(teacher, holders[one])), None)
        if number is not None:
            subject, teacher = binding.missing.pop(number)
            binding.bound.append(Bound(one, teacher, subject, holders[one]))


def _named(
    subject: Subject,
    candidates: Sequence[Signature],
    holders: dict[Signature, Holder | None],
    binding: Binding,
    bound: set[Signature],
) -> list[tuple[Person, bool]]:
    """Bind ``candidates`` to the subject's teachers; returns each teacher with whether a signature was found."""
    open_teachers = list(subject.teachers)
    free = list(candidates)

    def give(one: Signature, teacher: Person) -> None:
        free.remove(one)
        open_teachers.remove(teacher)
        bound.add(one)
        binding.bound.append(Bound(one, teacher, subject, holders[one]))

    for one in list(free):
        teacher = next((each for each in open_teachers if matches(each, holders[one])), None)
        if teacher is not None:
            give(one, teacher)
    # one who has signed already does not stand for another
    again = [one for one in free if any(matches(each, holders[one]) for each in subject.teachers)]
    for one in [one for one in free if one not in again and len(one.covered.get("subject", ())) == 1]:
        if not open_teachers:
            break
        held = holders[one]
        by_name = [each for each in open_teachers if held and each.name and same(each.name.raw, held.name)]
        give(one, by_name[0] if by_name else open_teachers[0])
    unsigned = {id(each) for each in open_teachers}
    return [(teacher, id(teacher) not in unsigned) for teacher in subject.teachers]


@dataclass(slots=True)
class Ledger:
    """What has been found against the signatures so far: one accident is one root, the rest follows from it."""

    document: Document
    found: Recorder
    binding: Binding
    roots: list[tuple[object, str]] = field(default_factory=list)
    """(element, full cause code) of everything that explains a failing digest above it."""
    codes: dict[Signature, str] = field(default_factory=dict)
    """First root of each signature."""
    told: dict[str, set[Signature]] = field(default_factory=dict)
    """Full cause code of a root → the signatures it was told of."""
    seen: set[str] = field(default_factory=set)
    """Requirements that were violated or blocked."""
    _reasons: dict[object, str] = field(default_factory=dict)
    """Code of the first root at an element or inside it."""

    def against(
        self,
        requirement: str,
        cause: str,
        node: object,
        *,
        signature: Signature | None = None,
        consequence_of: str = "",
        **details: object,
    ) -> Observation:
        """Record a violation; a root explains what fails above ``node`` and above the signature."""
        self.seen.add(requirement)
        expected, seen = details.pop("expected", ""), details.pop("seen", "")
        if signature is not None:
            details.setdefault("who", self.binding.find(signature).who)
        one = self.found.violated(
            requirement, cause, place=self.document.place(node), expected=expected, seen=seen,
            consequence_of=consequence_of, **{key: str(value) for key, value in details.items()},  # type: ignore[arg-type]
        )  # fmt: skip
        if signature is not None:
            self.codes.setdefault(signature, consequence_of or one.code)
            if not consequence_of:
                self.told.setdefault(one.code, set()).add(signature)
        return one

    def blocked(self, requirement: str, cause: str, node: object, **params: object) -> None:
        """Record that something could not be judged."""
        self.seen.add(requirement)
        self.found.blocked(requirement, cause, place=self.document.place(node), **params)

    def explains(self, element: object, code: str) -> None:
        """``element`` differs from what was signed for the reason ``code``."""
        self.roots.append((element, code))
        for one in (element, *getattr(element, "iterancestors", tuple)()):
            if one in self._reasons:  # then so is all above
                return
            self._reasons[one] = code

    def reason_within(self, target: object) -> str:
        """The code of the first root at ``target`` or inside it; empty: none."""
        return self._reasons.get(target, "")
