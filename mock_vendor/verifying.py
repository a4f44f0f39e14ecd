"""Verifies a received transcript: signxml for digests and signature values, ``cryptography`` for paths, own rules else.

Values are read from what signxml gives back as signed by the principal, never from the file as it came.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from conformance.pack import Slot
from conformance.pack.schemas import read_schema
from mock_vendor.reading import Element, Reading
from mock_vendor.reasons import Reason
from mock_vendor.register import HOMEROOM, PRINCIPAL, SEAL, TEACHER
from mock_vendor.signing import DS
from mock_vendor.trusting import Named, Trust, Trusting, certificates

ETH = "\u00d0"
"""Looks like the Vietnamese letter, and is another."""


class Unreadable(Exception):
    """The received bytes are no transcript that can be looked at any further."""


@dataclass(slots=True)
class Mark:
    """A signature that was found, and what it covers."""

    slot: Slot
    box: Element
    element: Element
    covered: list[Element]
    chain: list[x509.Certificate]
    at: datetime
    subject: str = ""
    """Code of the subject that it covers, of a subject teacher's."""


class Verifying(Reading, Trusting):
    """How received transcripts are verified, step by step. Methods are seams that a named defect may replace."""

    def verified(self, data: bytes, trust: Trust, now: datetime) -> tuple[list[Reason], Element | None]:
        """Why a document is refused; without reasons, its signed content under a root of its own.

        The first step that finds something ends it: what comes after would be its consequence.
        """
        try:
            root = self.parsed(data)
            for moved in (self.wrapped(root), self.malformed_document(root)):
                if moved:
                    return moved, None
            marks = list(self.marks(root))
            reasons = self.broken(root, marks) or self.absent(root, marks) or self.strangers(root, marks)
            reasons = reasons or self.too_little(root, marks)
            for mark in marks if not reasons else ():
                reasons = reasons or self.untrusted(mark.chain, trust, mark.at) or self.early(mark, now)
            return (reasons, None) if reasons else ([], self.signed_content(root, marks))
        except (Unreadable, ValueError) as error:
            return [Reason("INVALID_DOCUMENT", message=str(error)[:200])], None

    def told(self, reasons: list[Reason]) -> list[Reason]:
        """The reasons as the operator is told them."""
        return reasons

    # form

    def parsed(self, data: bytes) -> Element:
        """The document's tree.

        Raises:
            Unreadable: too large, not well-formed, or with what a transcript must not have.
        """
        if len(data) > self.pack.header.limits.bytes:
            raise Unreadable("quá lớn / too large")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise Unreadable(f"XML: {error}") from error
        info = root.getroottree().docinfo
        if info.internalDTD is not None:
            raise Unreadable("DOCTYPE")
        if (info.encoding or "UTF-8").upper() != "UTF-8" or info.xml_version != "1.0":
            raise Unreadable(f"XML {info.xml_version}, {info.encoding}")
        text = data.decode(errors="replace")
        if not unicodedata.is_normalized("NFC", text) or ETH in text:
            raise Unreadable("chữ tổ hợp hoặc Eth / decomposed letters or Eth")
        # what readers pass over, anywhere in the file
        if b"<![CDATA[" in data or root.getroottree().xpath("//comment() | //processing-instruction()"):
            raise Unreadable("chú thích, CDATA hoặc chỉ thị xử lý / comments, CDATA or processing instructions")
        if root.tag != self.steps(self.pack.binding.root):
            raise Unreadable(f"không phải học bạ / not a transcript: {root.tag}")
        return root

    def malformed_document(self, root: Element) -> list[Reason]:
        """What the pack's schema finds."""
        schema = read_schema(self.pack.path("document", "schema.xsd"))
        if schema.validate(root):
            return []
        return [Reason("INVALID_DOCUMENT", message=str(schema.error_log)[:200])]

    def identified(self, root: Element) -> dict[str, list[Element]]:
        """Elements by identifier, in every spelling."""
        found: dict[str, list[Element]] = {}
        names = {*(one.rpartition(":")[2] for one in self.pack.binding.id_spellings), "Id"}
        for element in root.iter():
            for name, value in element.attrib.items():
                if etree.QName(name).localname in names:
                    found.setdefault(str(value), []).append(element)
        return found

    def places(self, root: Element, name: str) -> list[Element]:
        """Where an anchor or a slot stands."""
        binding, policy = self.pack.binding, self.pack.signature
        kind, _, slot = name.partition(":")
        path = next(one.path for one in policy.slots if one.name == slot) if kind == "slot" else binding.anchors[name]
        return root.findall(self.steps(path))

    def wrapped(self, root: Element) -> list[Reason]:
        """Whether what is signed is not what is read: doubled identifiers, moved parts, stray signatures."""
        said = next((id_ for id_, elements in self.identified(root).items() if len(elements) > 1), "")
        if said:
            return [Reason("WRAPPED", message=f"định danh lặp lại / repeated identifier: {said}")]
        content = self.steps(self.pack.binding.anchors["content"]).rpartition("/")[2].rpartition("{")[2]
        name = "{" + content if "}" in content else content
        if len(list(root.iter(name))) != 1 or len(self.places(root, "content")) != 1:
            return [Reason("WRAPPED", message="nội dung không ở đúng một chỗ / the content is not at its one place")]
        inside = [one for held in root.iter(f"{DS}Object") for one in held.iter(f"{{{self.pack.binding.namespace}}}*")]
        boxed = [one for one, _ in self.boxes(root)]
        strays = [one for one in root.iter(f"{DS}Signature") if one not in boxed]
        if inside or strays:
            return [Reason("WRAPPED", message="có gì đó trong hoặc ngoài chữ ký / something in or beside a signature")]
        names = dict.fromkeys(name for slot in self.pack.signature.slots for name in slot.covers)
        proper = [one for name in names for one in self.places(root, name)]
        for _, _, element in self.signatures(root):
            for target in self.targets(root, element):
                if target not in proper and element not in (*target.iterancestors(), target):
                    return [
                        Reason("WRAPPED", message=f"chữ ký trỏ sai chỗ / a signature points elsewhere: {target.tag}")
                    ]
        return []

    # signatures

    def boxes(self, root: Element) -> Iterator[tuple[Element, Slot]]:
        """Signature elements at their places, each with its slot."""
        for slot in self.pack.signature.slots:
            for one in root.findall(self.steps(f"{slot.path}/{self.pack.signature.box}") + f"/{DS}Signature"):
                yield one, slot

    def signatures(self, root: Element) -> Iterator[tuple[Slot, Element, Element]]:
        """Slot, box and signature."""
        for element, slot in self.boxes(root):
            box = element.getparent()
            assert box is not None
            yield slot, box, element

    def targets(self, root: Element, signature: Element) -> list[Element]:
        """What a signature's references point to.

        Raises:
            Unreadable: outside the document, or at nothing.
        """
        ids = self.identified(root)
        found = []
        for reference in signature.iterfind(f"{DS}SignedInfo/{DS}Reference"):
            uri = reference.get("URI") or ""
            if not uri.startswith("#") or uri[1:] not in ids:
                raise Unreadable(f"tham chiếu không dùng được / unusable reference: {uri!r}")
            found.append(ids[uri[1:]][0])
        return found

    def marks(self, root: Element) -> Iterator[Mark]:
        """All signatures with certificates and times.

        Raises:
            Unreadable: a signature lacks one of them.
        """
        for slot, box, element in self.signatures(root):
            chain = certificates(one.text or "" for one in element.iter(f"{DS}X509Certificate"))
            # XAdES has it among its signed properties, plain XML-DSig in an object of its own
            times = list(element.iter("{*}SigningTime"))
            covered = self.targets(root, element)
            if not chain or len(times) != 1 or not any(one in covered for one in times[0].iterancestors()):
                raise Unreadable("chữ ký thiếu chứng thư hoặc thời điểm / a signature without certificate or time")
            at = datetime.fromisoformat(times[0].text or "")
            at = at if at.tzinfo else at.replace(tzinfo=self.pack.timezone)
            mark = Mark(slot, box, element, covered, chain, at)
            rows = [one for one in self.places(root, "subject") if one in mark.covered]
            if slot.name == TEACHER and len(rows) == 1:
                mark.subject = self.value(rows[0], "subjects[].code")
            yield mark

    def broken(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        """Signatures that do not verify."""
        for mark in marks:
            try:
                self.lawful(mark)
                self.check(root, mark)
            except InvalidDigest as error:
                return [Reason("BAD_DIGEST", role=mark.slot.name, subject=mark.subject, message=str(error)[:200])]
            except Exception as error:  # whatever a library makes of hostile input, it is no good signature
                return [Reason("BAD_SIGNATURE", role=mark.slot.name, subject=mark.subject, message=str(error)[:200])]
        return []

    def lawful(self, mark: Mark) -> None:
        """Look at what the pack allows: role, transforms, canonicalization, key.

        Raises:
            ValueError: something else is used.
        """
        policy = self.pack.signature
        if mark.box.get(policy.role_attribute) != mark.slot.role:
            raise ValueError("sai vai trò / wrong role")
        used = [*mark.element.iter(f"{DS}Transform"), *mark.element.iter(f"{DS}CanonicalizationMethod")]
        allowed = {*policy.canonicalization, *policy.idle_transforms}
        if any(one.get("Algorithm") not in allowed for one in used):
            raise ValueError("phép biến đổi không được phép / a transform that is not allowed")
        key = mark.chain[0].public_key()
        if isinstance(key, rsa.RSAPublicKey):
            sound = policy.min_rsa_bits <= key.key_size <= policy.max_rsa_bits
        else:
            sound = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= policy.min_ec_bits
        if not sound:
            raise ValueError("khóa không được phép / a key that is not allowed")

    def check(self, root: Element, mark: Mark) -> list[VerifyResult]:
        """Let signxml verify one signature; what it covers, as it was digested."""
        verifier = XMLVerifier()
        spellings = (one for one in self.pack.binding.id_spellings if ":" not in one)
        verifier.id_attributes = tuple(dict.fromkeys([*spellings, "Id"]))
        place = root.getroottree().getelementpath(mark.box)
        config = SignatureConfiguration(
            location=f"./{place}/",
            expect_references=len(mark.element.findall(f"{DS}SignedInfo/{DS}Reference")),
            signature_methods=frozenset(one for one in SignatureMethod if self.is_allowed(one.value)),
            digest_algorithms=frozenset(one for one in DigestAlgorithm if self.is_allowed(one.value)),
            verification_time=max(mark.at, mark.chain[0].not_valid_before_utc)
            if mark.at <= mark.chain[0].not_valid_after_utc
            else mark.chain[0].not_valid_after_utc,
        )
        found = verifier.verify(root, x509_cert=mark.chain[0], expect_config=config)
        return found if isinstance(found, list) else [found]

    def is_allowed(self, algorithm: str) -> bool:
        """Whether an algorithm may be used, by its URI."""
        return algorithm in self.pack.signature.signatures or algorithm in self.pack.signature.digests

    def too_little(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        """Signatures that do not cover what they must."""
        for mark in marks:
            for name in mark.slot.covers:
                places = self.places(root, name)
                lacking = not mark.subject if name == "subject" else any(one not in mark.covered for one in places)
                if lacking:
                    text = f"không phủ / does not cover: {name}"
                    return [Reason("BAD_SIGNATURE", role=mark.slot.name, subject=mark.subject, message=text)]
        return []

    # persons

    def absent(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        """Who has not signed: of each subject as many teachers as it names, homeroom teacher, principal."""
        found = []
        for row in self.places(root, "subject"):
            code, named = self.value(row, "subjects[].code"), len(self.teachers(row))
            if sum(1 for mark in marks if mark.slot.name == TEACHER and mark.subject == code) < named:
                found.append(Reason("MISSING_SIGNATURE", role=TEACHER, subject=code))
        made = {mark.slot.name for mark in marks}
        slots = [one for one in self.pack.signature.slots if one.required and one.per == "document"]
        return found + [Reason("MISSING_SIGNATURE", role=one.name) for one in slots if one.name not in made]

    def strangers(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        """Signatures of somebody whom the document does not name in that role; everybody named signs once."""
        for role, subject, named in self.named(root):
            left = list(named)
            for mark in marks:
                if mark.slot.name != role or mark.subject != subject:
                    continue
                who = next((one for one in left if self.is_person(mark.chain[0], one)), None)
                if who is None:
                    return [Reason("SIGNER_MISMATCH", role=role, subject=subject)]
                left.remove(who)
        return self.odd_title(root) or self.odd_seal(root, marks) or self.shared_keys(marks)

    def odd_title(self, root: Element) -> list[Reason]:
        """A leader with a title that does not let him sign."""
        name = self.pack.programme_of(self.value(root, "record.level"), self.value(root, "record.programme"))
        titles = self.pack.signature.titles.get(self.pack.programmes[name].family) if name else None
        title = self.value(root, "issue.leader.title")
        if titles is None or title in (*titles.principal, *titles.deputy):
            return []
        return [Reason("SIGNER_MISMATCH", role=PRINCIPAL, message=f"chức vụ / title: {title[:100]}")]

    def odd_seal(self, root: Element, marks: Sequence[Mark]) -> list[Reason]:
        """A seal that is a person's, or another school's."""
        school = self.value(root, "record.school_code")
        for mark in marks:
            if mark.slot.name == SEAL:
                known = self.identifiers(mark.chain[0])
                if known.get("school", school) != school or "id" in known or "passport" in known:
                    return [Reason("SIGNER_MISMATCH", role=SEAL)]
        return []

    def shared_keys(self, marks: Sequence[Mark]) -> list[Reason]:
        """One key for two persons."""
        owners: dict[bytes, object] = {}
        for mark in marks:
            leaf = mark.chain[0]
            key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            whose: object = tuple(sorted(self.identifiers(leaf).items())) or (leaf.subject.rfc4514_string(),)
            if owners.setdefault(key, whose) != whose:
                return [Reason("SIGNER_MISMATCH", role=mark.slot.name, message="khóa dùng chung / a shared key")]
        return []

    def named(self, root: Element) -> Iterator[tuple[str, str, list[Named]]]:
        """Whom the document names: role, subject, persons."""
        for row in self.places(root, "subject"):
            persons = [self.person(one, "subjects[].teachers[]") for one in self.teachers(row)]
            yield TEACHER, self.value(row, "subjects[].code"), persons
        yield HOMEROOM, "", [self.person(root, "summary.homeroom_teacher")]
        yield PRINCIPAL, "", [self.person(root, "issue.leader")]

    def early(self, mark: Mark, now: datetime) -> list[Reason]:
        """A signature from the future."""
        if mark.at > now + self.tolerance:
            return [Reason("BAD_SIGNATURE", role=mark.slot.name, message="ký trong tương lai / signed in the future")]
        return []

    @property
    def tolerance(self) -> timedelta:
        """How far clocks may differ."""
        return self.pack.tolerance

    def signed_content(self, root: Element, marks: Sequence[Mark]) -> Element:
        """The content as the principal signed it: read from what was digested."""
        mark = next(one for one in marks if one.slot.name == PRINCIPAL)
        place = self.places(root, "content")[0]
        index = mark.covered.index(place)
        return self.rooted(etree.fromstring(self.check(root, mark)[index].signed_data))
