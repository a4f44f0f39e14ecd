"""KY: who has signed, what the signatures cover, form and algorithms (PL1-KY-001 … 016); calls integrity and CTS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lxml import etree

from conformance.checks import certificates
from conformance.checks.context import Context
from conformance.checks.signature_integrity import EXCHANGED, SEVERAL, check_integrity
from conformance.checks.signature_integrity import RULE as INTEGRITY
from conformance.checks.signature_times import check_times
from conformance.checks.signers import HOMEROOM, MOST_MISSING, PRINCIPAL, SEAL, SUBJECT_TEACHER, Binding, Ledger, bind
from conformance.checks.structure import programme_of
from conformance.checks.time_stamps import check_stamps
from conformance.document import Document, xpath_of
from conformance.finding import Observation, Recorder
from conformance.pack import Pack, Slot
from conformance.pack.model import Titles
from conformance.signature.canonical import DS
from conformance.signature.names import same
from conformance.signature.parse import SIGNATURE
from conformance.signature.verify import MOST_SIGNATURES, DocumentSignatures, Signature, verify_document

_MISSING = {HOMEROOM: "PL1-KY-002", PRINCIPAL: "PL1-KY-003", SEAL: "PL1-KY-004"}
_MOST_COPIES = 10
"""Copies of parts that are told one by one, signed ones first."""
_GROUPS = {"form": "PL1-KY-007", "algorithm": "PL1-KY-009", "place": "PL1-KY-008"}
_SCHEMA, _SPELLING = "PL1-STR-001", "PL1-DOC-006"
_NO_ATTRIBUTE = "PL1-STR-001.attribute-missing"
_WRONG_ROLE = "PL1-KY-005.wrong-role"
_EVERYWHERE = ("reindented", "compacted", "prefix", "nfd", "nfc", "crlf", "mojibake", "whitespace", "decimal-sign")
"""What an editor does to a whole document."""
_ALIKE = (
    "c14n-variant",
    "namespace",
    "namespace-context",
    "not-canonical",
    "other-key",
    "digest-method",
    "digest-spelling",
    "nothing-fits",
    "signed-info-c14n",
    "signed-other",
    "ecdsa-der",
    "other-method",
    "value-spelling",
    "value-cms",
)
"""What software does to every signature it makes."""
_SPELLINGS = ("base64-unpadded", "base64-url", "base64-pem")
"""The same of base64."""
_OF_ANOTHER = ("PL1-CTS-003.other-person", "PL1-CTS-006.organisation-for-person")
"""Somebody else's certificate in a person's place."""
_SLOT_CHANGED = "PL1-KY-006.slot-changed"
_NOTHING_FITS = "PL1-KY-006.nothing-fits"
_VALUE = "PL1-KY-006.value"
_DECOMPOSED = "PL1-KY-006.nfd"
_OF_SOFTWARE = (
    "PL1-KY-006",
    "PL1-KY-007",
    "PL1-KY-009",
    "PL1-KY-012",
    "PL1-CTS-001.no-certificate",
    "PL1-CTS-001.malformed",
    "PL1-CTS-001.authority-only",
)
"""Where a mistake in every signature is one mistake."""
_OF_TEACHERS = ("PL1-KY-001.covers-several", "PL1-KY-005.", "PL1-KY-007", "PL1-KY-009", "PL1-KY-012", "PL1-CTS-001.")
"""Where a mistake in every teacher's signature is one mistake: how the software signs for one sort of signer."""
_NOT_COVERED, _STRAY = "PL1-KY-005.not-covered", "PL1-KY-005.stray"
_CDATA, _NO_CHILD = "PL1-DOC-003.cdata", "PL1-STR-001.missing-element"
_UNKNOWN = "PL1-STR-001.attribute-unknown"
_DUPLICATE = "PL1-STR-002.duplicate"
_REMOVED = "reference-removed"
_NAMELESS = "PL1-STR-002.missing"
_TWICE = "PL1-STR-001.named-twice"
_PROGRAMME = "PL1-STR-007.other-programme"
_MANIFEST = f"{{{DS}}}Manifest"
_XML_ATTRIBUTES = etree.XPath("//*[@xml:*]")


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge the signatures and the certificates behind them."""
    facts = verify_document(document, context.pack)
    binding = bind(document, context.pack, facts)
    ledger = Ledger(document, found, binding)
    if facts.too_many:
        # not all were looked at: of what the others miss nothing can be said
        ledger.against("PL1-KY-005", "too-many", document.root, seen=facts.too_many)
        return
    _wrapping(facts, ledger)
    _form(facts, ledger, context.pack)
    _coverage(document, context.pack, facts, ledger)
    _instead(document, context.pack, ledger)
    _teachers(binding, ledger)
    _others(document, context, facts, ledger)
    _superfluous(binding, ledger)
    check_integrity(facts, ledger, context.pack)
    _advice(document, facts, ledger)
    check_times(facts, context, ledger)
    proven = check_stamps(facts, context, ledger)
    if facts.signatures:
        for rule in ("PL1-KY-005", "PL1-KY-007", "PL1-KY-008", "PL1-KY-009"):
            if rule not in ledger.seen:
                found.held(rule)
        if "PL1-KY-005" not in ledger.seen and any(one.extra for one in facts.signatures):
            found.held("PL1-KY-005", "covers-more")
    certificates.check(document, context, facts, binding, ledger, proven)
    _once(facts, ledger, context.pack)
    _one_for_all(ledger)


# ------------------------------------------------------------------------------------------------- place and form


def _wrapping(facts: DocumentSignatures, ledger: Ledger) -> None:
    """What is verified is what is read: copies, moved targets, identifiers that occur twice."""
    targets = {
        reference.target for one in facts.signatures for reference in one.references if reference.target is not None
    }
    codes: dict[etree._Element, str] = {}
    copies = [(copy, [one for one in copy.node.iter(etree.Element) if one in targets]) for copy in facts.copies]
    for copy, signed in sorted(copies, key=lambda one: not one[1])[:_MOST_COPIES]:
        cause = f"signed-{copy.cause}" if signed else copy.cause
        name = etree.QName(copy.node).localname
        observation = ledger.against("PL1-KY-008", cause, copy.node, seen=name)
        codes[copy.node] = observation.code
        ledger.explains(copy.node, observation.code)
        # what stands at the place of the signed part, and is read, is signed by nobody of its own
        tags, own = {one.tag for one in signed or [copy.node]}, _identifiers(copy.node)
        others = [
            other
            for other in ledger.document.root.iter(*tags)
            if other not in targets and (signed or (other is not copy.node and _identifiers(other) & own))
        ]
        for other in others:
            ledger.explains(other, observation.code)
        _follow(others, observation.code, ledger)
        _no_place(copy.node, observation.code, ledger)
        outer = copy.node.getparent()
        if outer is not None and etree.QName(outer).namespace not in (DS, etree.QName(ledger.document.root).namespace):
            _no_place(outer, observation.code, ledger)
    for one in facts.signatures:
        for trouble in one.parsed.troubles:
            group, _, cause = trouble.kind.partition(".")
            if group != "place":
                continue
            origin = _DUPLICATE if cause == "duplicate-id" else _origin(one, codes)
            ledger.against(
                "PL1-KY-008", cause, trouble.node, signature=one, consequence_of=origin, seen=trouble.seen,
                **trouble.params,
            )  # fmt: skip


def _identifiers(element: etree._Element) -> set[str]:
    return {str(value) for name, value in element.items() if etree.QName(name).localname.lower() == "id"}


def _follow(elements: Iterable[etree._Element], code: str, ledger: Ledger) -> None:
    """What is wrong inside ``elements`` follows from ``code``: they are not what was signed."""
    parts = {ledger.document.xpath(one) for one in elements}

    def settled(one: Observation) -> Observation:
        if not parts or not one.is_root or one.place is None or one.code == code:
            return one
        steps = one.place.xpath.split("/")
        inside = any("/".join(steps[:length]) in parts for length in range(len(steps), 1, -1))
        return replace(one, consequence_of=code) if inside else one

    ledger.found.observations = [settled(one) for one in ledger.found.observations]


def _no_place(node: etree._Element, code: str, ledger: Ledger) -> None:
    """That the schema has no place for ``node`` either, and how texts in it are written, follows from ``code``."""
    where = xpath_of(node)
    # an attribute that the form does not have, and that makes an identifier double
    doubled = {one.params["first"] for one in ledger.found.violations if one.code == _DUPLICATE}

    def follows(one: Observation) -> bool:
        if not one.is_root or one.place is None:
            return False
        if one.code == _DUPLICATE:
            return one.place.xpath.startswith(where) or one.params.get("first", "").startswith(where)
        if one.code == _UNKNOWN and one.place.xpath in doubled:
            return True
        return one.requirement in (_SCHEMA, _SPELLING) and one.place.xpath.startswith(where)

    ledger.found.observations = [
        replace(one, consequence_of=code) if follows(one) else one for one in ledger.found.observations
    ]


def _twice(ledger: Ledger) -> str:
    """The root of identifiers that occur twice, when there are some: a reference lost by renaming follows from it."""
    seen: dict[str, etree._Element] = {}
    code = ""
    for value, _, element in ledger.document.identified if ledger.document.doubled else ():
        first = seen.setdefault(value, element)
        if first is not element:
            code = _DUPLICATE
            ledger.explains(element, code)
            ledger.explains(first, code)
    return code


def _nameless(ledger: Ledger) -> str:
    """The root of signed parts without an identifier: a reference that finds nothing follows from it."""
    if not any(one.code == _NAMELESS and one.is_root for one in ledger.found.violations):
        return ""
    attribute = ledger.document.pack.binding.id_attribute
    for name in ledger.document.pack.binding.anchors:
        for element in ledger.document.anchors(name):
            if not element.get(attribute):
                ledger.explains(element, _NAMELESS)
    return _NAMELESS


def _origin(one: Signature, codes: Mapping[etree._Element, str]) -> str:
    """The code of the copy that a signature's moved target stands in."""
    targets = [reference.target for reference in one.references if reference.target is not None]
    places = (above for target in targets for above in (target, *target.iterancestors()))
    return next((codes[above] for above in places if above in codes), "")


def _form(facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
    twice = _twice(ledger) or _nameless(ledger)
    astray = set(facts.wrong_roles)
    for one in facts.signatures:
        if one.authority is not None:
            seen = one.authority.common_name
            code = ledger.against("PL1-CTS-001", "authority-only", one.node, signature=one, seen=seen).code
            ledger.explains(one.node, code)
        told: set[str] = set()
        for trouble in one.parsed.troubles:
            group, _, cause = trouble.kind.partition(".")
            if group == "place" or trouble.kind in told:
                continue
            told.add(trouble.kind)
            rule = _GROUPS[group]
            if cause not in pack.requirements[rule].causes:
                cause = "unknown" if group == "algorithm" else "unknown-transform"
            observation = ledger.against(
                rule, cause, trouble.node, signature=one, seen=trouble.seen, expected=trouble.expected,
                consequence_of=_follows(cause, twice, astray=one in astray), **trouble.params,
            )  # fmt: skip
            if cause == "malformed":  # a signature that lost a part differs from what the layers above signed
                ledger.explains(one.node, observation.code)


def _follows(cause: str, twice: str, *, astray: bool) -> str:
    """The root of a reference that finds nothing, or that holds its own signature as that stands elsewhere."""
    return twice if cause == "dangling" else _WRONG_ROLE if cause == "not-idle" and astray else ""


# ------------------------------------------------------------------------------------------------------- coverage


def _coverage(document: Document, pack: Pack, facts: DocumentSignatures, ledger: Ledger) -> None:
    for one in facts.wrong_roles:
        role = pack.signature.role_attribute
        unsaid = one.box.get(role) is None and any(each.code == _NO_ATTRIBUTE for each in ledger.found.violations)
        told = ledger.against(
            "PL1-KY-005", "wrong-role", one.box, signature=one, expected=one.slot.role, seen=one.box.get(role) or "",
            consequence_of=_NO_ATTRIBUTE if unsaid else "",
        )  # fmt: skip
        ledger.explains(one.box, told.code)
    wanted = {name: _behind(document, name) for one in facts.signatures for name in one.slot.covers}
    for one in facts.signatures:
        missing = [name for name in one.slot.covers if not _covers(one, name, wanted[name])]
        if missing:
            cause = "in-manifest" if next(one.node.iter(_MANIFEST), None) is not None else "not-covered"
            cause = "reference-removed" if one.value_cause == _REMOVED else cause
            ledger.against(
                "PL1-KY-005", cause, one.node, signature=one, consequence_of=_earlier(one, facts, ledger),
                expected=", ".join(_called(name, pack) for name in one.slot.covers),
                seen=", ".join(_called(name, pack) for name in one.covered),
                missing=", ".join(_called(name, pack) for name in missing),
            )  # fmt: skip
    strays: dict[str, str] = {}
    for node in facts.strays:
        if not any(above is copy.node for copy in facts.copies for above in node.iterancestors()):
            parent = node.getparent()
            where = etree.QName(parent).localname if parent is not None else ""
            code = ledger.against(
                "PL1-KY-005", "stray", node, seen=where, expected=pack.signature.box,
                consequence_of=strays.get(where, ""),
            ).code  # fmt: skip
            strays[where] = code  # several in elements of one name: the software puts them there
            ledger.explains(node, code)
            _no_place(node, code, ledger)


def _instead(document: Document, pack: Pack, ledger: Ledger) -> None:
    """What stands in boxes instead of a signature (its text, an element of another namespace) is one mistake."""
    groups = (group for slot in pack.signature.slots for group in document.slots(slot.name))
    boxes = [box for group in groups for box in group if isinstance(box.tag, str) and box.find(SIGNATURE) is None]
    if not boxes:
        return
    where = tuple(f"{document.xpath(box)}/" for box in boxes[:MOST_SIGNATURES])
    found = ledger.found
    roots = [
        one for one in found.violations
        if one.is_root and one.place and (one.requirement == _SCHEMA or one.code == _CDATA)
        and f"{one.place.xpath}/".startswith(where)
    ]  # fmt: skip
    first = next((one for one in roots if one.code != _NO_CHILD), None)
    if first is None:
        return
    rest = {id(one) for one in roots if one is not first}
    found.observations = [
        replace(one, consequence_of=first.code) if id(one) in rest else one for one in found.observations
    ]
    for box in boxes:
        ledger.explains(box, first.code)


def _earlier(one: Signature, facts: DocumentSignatures, ledger: Ledger) -> str:
    """What already explains that the signature covers too little."""
    if one in ledger.codes:
        return ledger.codes[one]
    signed = [code for _, code in ledger.roots if ".signed-" in code]
    return signed[0] if signed and facts.copies else ""


def _behind(document: Document, name: str) -> tuple[etree._Element, ...]:
    """The elements behind an anchor or slot."""
    kind, _, other = name.rpartition(":")
    return document.slots(other) if kind else document.anchors(name)


def _covers(one: Signature, name: str, elements: tuple[etree._Element, ...]) -> bool:
    """Whether every element behind the anchor or slot is covered; of subjects one is enough (PL1-KY-001)."""
    covered = one.covered.get(name, ())
    if name == "subject":
        return bool(covered)
    return bool(elements) and set(covered).issuperset(elements)


def _called(name: str, pack: Pack) -> str:
    """Anchor or slot as the document calls it."""
    kind, _, other = name.rpartition(":")
    if kind:
        path = next(slot.path for slot in pack.signature.slots if slot.name == other)
    else:
        path = pack.binding.anchors[name]
    return path.rpartition("/")[2]


# -------------------------------------------------------------------------------------------------------- who signs


def _teachers(binding: Binding, ledger: Ledger) -> None:
    rule = "PL1-KY-001"
    for one in binding.several:
        subjects = one.covered["subject"]
        ledger.against(
            rule, "covers-several", one.node, signature=one, consequence_of=ledger.codes.get(one, ""),
            seen=len(subjects), expected=1,
        )  # fmt: skip
    groups = ledger.document.slots(SUBJECT_TEACHER)
    unclear = [*binding.without, *binding.several]
    explained = dict(reversed(ledger.roots))
    twice = _named_twice(ledger)
    misplaced = _misplaced(groups, ledger) if binding.missing else ""
    for subject, teacher in binding.missing[:MOST_MISSING]:
        origin = next((ledger.codes[one] for one in unclear if one in ledger.codes), "") or twice.get(subject.node, "")
        # a subject that was put in the place of the signed one is signed by nobody
        inside = ledger.reason_within(subject.node)
        origin = origin or explained.get(subject.node, "") or (inside if inside == _STRAY else "") or misplaced
        observation = ledger.against(
            rule, "missing", subject.node, consequence_of=origin,
            subject=subject.name.raw if subject.name else "", teacher=teacher.name.raw if teacher.name else "",
        )  # fmt: skip
        for group in groups:
            ledger.explains(group, observation.consequence_of or observation.code)
    if rule not in ledger.seen and binding.of(SUBJECT_TEACHER):
        ledger.found.held(rule)
        if any(len(subject.teachers) > 1 for subject in ledger.document.transcript.subjects):
            ledger.found.held(rule, "shared-subject")


def _named_twice(ledger: Ledger) -> dict[object, str]:
    """Subjects that name somebody twice, with the root that says so: the second signature is missed for that reason."""
    told = {one.place.xpath.rpartition("/")[0] for one in ledger.found.violations if one.code == _TWICE and one.place}
    subjects = ledger.document.transcript.subjects if told else ()
    return {one.node: _TWICE for one in subjects if ledger.document.place(one.node).xpath in told}


def _others(document: Document, context: Context, facts: DocumentSignatures, ledger: Ledger) -> None:
    for slot in context.pack.signature.slots:
        rule = _MISSING.get(slot.name)
        if rule is None:
            continue
        if not facts.of(slot.name):
            groups = document.slots(slot.name)
            person = _expected(slot, document)
            place = groups[0] if groups else _beside_the_slots(document, context.pack)
            elsewhere = any(
                one.box.get(context.pack.signature.role_attribute) == slot.role for one in facts.wrong_roles
            )
            origin = _WRONG_ROLE if elsewhere else _misplaced(groups, ledger)
            observation = ledger.against(rule, "missing", place, who=person, consequence_of=origin)
            for group in groups:
                ledger.explains(group, origin or observation.code)
        elif slot.name == PRINCIPAL:
            _title(document, context, ledger)
        elif rule not in ledger.seen:
            ledger.found.held(rule)


def _misplaced(groups: Iterable[etree._Element], ledger: Ledger) -> str:
    """The root of something else in the slot than the form has: a signature is missed for that reason."""
    where = [f"{xpath_of(group)}/" for group in groups]
    explained = (ledger.reason_within(group) for group in groups)
    return next((code for code in explained if code.startswith((_SCHEMA, _CDATA))), "") or next(
        (
            one.code
            for one in ledger.found.violations
            if one.is_root
            and (one.requirement == _SCHEMA or one.code == _STRAY)
            and one.place
            and one.place.xpath.startswith(tuple(where))
        ),
        "",
    )


def _beside_the_slots(document: Document, pack: Pack) -> etree._Element:
    """Where a slot would stand that the document does not have."""
    parents = (group.getparent() for slot in pack.signature.slots for group in document.slots(slot.name))
    return next((one for one in parents if one is not None), document.root)


def _expected(slot: Slot, document: Document) -> str:
    transcript = document.transcript
    names = {
        HOMEROOM: transcript.summary.homeroom_teacher.name,
        PRINCIPAL: transcript.issue.leader.name,
        SEAL: transcript.school.name,
    }
    name = names.get(slot.name)
    return name.raw if name else slot.role


def _title(document: Document, context: Context, ledger: Ledger) -> None:
    rule, leader = "PL1-KY-003", document.transcript.issue.leader
    title = leader.title.raw if leader.title else ""
    programme = programme_of(document, context)
    policy = context.pack.signature.titles
    family = context.pack.programmes[programme].family if programme else ""
    allowed = [policy[family]] if family in policy else list(policy.values())
    if any(same(title, one) for each in allowed for one in each.principal):
        ledger.found.held(rule)
    elif any(same(title, one) for each in allowed for one in each.deputy):
        ledger.found.held(rule)
        ledger.found.held(rule, "deputy")
    else:
        expected = ", ".join(one for each in allowed for one in (*each.principal, *each.deputy))
        ledger.against(
            rule, "title", leader.title or leader, expected=expected, seen=title,
            consequence_of=_PROGRAMME if _of_other_programme(title, policy.values(), ledger) else "",
        )  # fmt: skip


def _of_other_programme(title: str, policies: Iterable[Titles], ledger: Ledger) -> bool:
    """Whether the title leads schools of another programme, and the document already names the wrong one."""
    told = any(one.code == _PROGRAMME and one.is_root for one in ledger.found.violations)
    return told and any(same(title, one) for each in policies for one in (*each.principal, *each.deputy))


def _took_a_place(one: Signature, binding: Binding) -> bool:
    """Whether a teacher's second signature stands where another's is missing: as many are missing as there are more."""
    teachers = [each for each in binding.surplus if each.slot.name == SUBJECT_TEACHER]
    return one in teachers and len(teachers) <= len(binding.missing)


def _superfluous(binding: Binding, ledger: Ledger) -> None:
    """A second signature where one is due; it follows from the missing one when somebody signed in another's stead."""
    for one in binding.surplus:
        covered = one.covered.get("subject", ())
        stead = any(subject.node in covered for subject, _ in binding.missing) or _took_a_place(one, binding)
        ledger.against(
            "PL1-KY-005", "surplus", one.node, signature=one,
            consequence_of=ledger.codes.get(one, "") or ("PL1-KY-001.missing" if stead else ""),
        )  # fmt: skip


def _once(facts: DocumentSignatures, ledger: Ledger, pack: Pack) -> None:
    """An editor re-indents, or turns text into another form, everywhere; software signs alike: that is one root."""
    found = ledger.found
    if not ledger.told:
        return
    codes = [f"{INTEGRITY}.{cause}" for cause in (*_EVERYWHERE, *_ALIKE)]
    codes += [f"PL1-KY-007.{cause}" for cause in _SPELLINGS]
    teachers = set(facts.of(SUBJECT_TEACHER))
    for code, signatures in ledger.told.items():
        by_all = len(facts.signatures) >= SEVERAL and len(signatures) == len(facts.signatures)
        by_teachers = len(teachers) >= SEVERAL and teachers <= signatures
        if code not in codes and (
            (by_all and code.startswith(_OF_SOFTWARE)) or (by_teachers and code.startswith(_OF_TEACHERS))
        ):
            codes.append(code)
    for code in codes:
        roots = [one for one in found.violations if one.is_root and one.code == code and one.place]
        if not roots:
            continue
        slots = f"/{pack.signature.container}/"
        first = next((one for one in roots if one.place and slots not in one.place.xpath), roots[0])

        def follows(one: Observation, code: str = code, first: Observation = first) -> bool:
            same_accident = one.code == code or (code == _DECOMPOSED and one.code == "PL1-DOC-005.not-nfc")
            same_parts = code != _NOT_COVERED or one.params.get("missing") == first.params.get("missing")
            return one.is_root and one is not first and same_accident and same_parts

        found.observations = [replace(one, consequence_of=code) if follows(one) else one for one in found.observations]
    if _NOTHING_FITS in ledger.told and _VALUE in codes:  # neither digests nor values: the digests say more
        codes.remove(_VALUE)
        found.observations = [
            replace(one, consequence_of=_NOTHING_FITS) if one.is_root and one.code == _VALUE else one
            for one in found.observations
        ]
    known = next((code for code in codes if code != _NOTHING_FITS and code in ledger.told), "")
    those = ledger.told.get(known, set())
    # what is not understood happened together with what is
    follow = (_NOTHING_FITS, _SLOT_CHANGED) if len(those) >= SEVERAL else (_NOTHING_FITS,)
    if known:
        found.observations = [
            replace(one, consequence_of=known) if one.is_root and one.code in follow else one
            for one in found.observations
        ]


def _one_for_all(ledger: Ledger) -> None:
    """Software that signs in several persons' names with one certificate makes one mistake."""
    found = ledger.found
    by: dict[tuple[str, str], list[Observation]] = {}
    for one in found.violations:
        if one.is_root and one.code in (*_OF_ANOTHER, _VALUE):
            by.setdefault((one.code, one.params.get("holder", "") + one.seen), []).append(one)
    follows = [each for those in by.values() if len(those) >= SEVERAL for each in those[1:]]
    if follows:
        found.observations = [
            replace(one, consequence_of=one.code) if any(one is each for each in follows) else one
            for one in found.observations
        ]


def _taken(those: Iterable[Signature], ledger: Ledger) -> str:
    """The root of signatures that lack their properties, or contradict them, because of a larger mistake."""
    codes = {ledger.codes.get(one, "") for one in those}
    code = codes.pop() if len(codes) == 1 else ""
    return code if code.startswith("PL1-KY-008") or code == EXCHANGED else ""


# ---------------------------------------------------------------------------------------------------------- advice


def _advice(document: Document, facts: DocumentSignatures, ledger: Ledger) -> None:
    """SHOULD rows, each deviation once for the document: PSS (010), XAdES (011), portable form (016)."""
    if not facts.signatures:
        return
    readable = [one for one in facts.signatures if one.parsed.algorithm is not None and not one.parsed.troubles]
    old = [one for one in readable if one.parsed.algorithm and one.parsed.algorithm.padding == "pkcs1v15"]
    if old:
        ledger.against("PL1-KY-010", "pkcs1v15", old[0].node, count=len(old), seen=old[0].parsed.method)
    elif readable:
        ledger.found.held("PL1-KY-010")
    problems: dict[str, list[Signature]] = {}
    for one in facts.signatures:
        if one.xades_problem and not one.parsed.troubles and one.authority is None:
            problems.setdefault(one.xades_problem, []).append(one)
    for cause, those in problems.items():
        ledger.against(
            "PL1-KY-011", cause, those[0].node, count=len(those), seen=those[0].xades_seen,
            consequence_of=_taken(those, ledger),
        )  # fmt: skip
    if not problems:
        ledger.found.held("PL1-KY-011")
    deviations: dict[str, list[object]] = {}
    for one in facts.signatures:
        if one.parsed.troubles:
            continue  # refused: advice on its form would only hide why
        for cause, node in one.parsed.portability.items():
            deviations.setdefault(cause, []).append(node)
        if one.leaf is not None and one.parsed.certificates and one.parsed.certificates[0] is not one.leaf:
            deviations.setdefault("leaf-not-first", []).append(one.node)
        if one.parsed.x509_data > 1:
            deviations.setdefault("several-x509data", []).append(one.node)
    attributes = _XML_ATTRIBUTES(document.root) if b"xml:" in document.data else []
    if isinstance(attributes, list) and attributes:
        deviations["xml-attributes"] = list(attributes)
    for cause, nodes in deviations.items():
        schema = [one for one in ledger.found.violations if one.code == _UNKNOWN] if cause == "xml-attributes" else []
        origin = (schema[0].consequence_of or _UNKNOWN) if schema else ""
        ledger.against("PL1-KY-016", cause, nodes[0], count=len(nodes), consequence_of=origin)
    if not deviations:
        ledger.found.held("PL1-KY-016")
