"""Where our verifier and another disagree, and why. What is not in here is a failure; so is what never occurs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from conformance.signature.canonical import DS
from conformance.signature.verify import Signature
from tests.signature.opinions import Opinion, View, ours

_XML = "{http://www.w3.org/XML/1998/namespace}"
Condition = Callable[[bytes, Signature | None], bool]


def _always(data: bytes, one: Signature | None) -> bool:
    return True


def _inclusive(one: Signature | None) -> bool:
    if one is None or one.parsed.step is None:
        return False
    steps = [one.parsed.step, *(step for each in one.references for step in each.steps)]
    return any(step.method != "exclusive" for step in steps)


def _inclusive_default(data: bytes, one: Signature | None) -> bool:
    return _inclusive(one) and one is not None and one.node.prefix is None


def _inherited(data: bytes, one: Signature | None) -> bool:
    """Attributes ``xml:*`` above, which inclusive C14N of a part renders on the part."""
    root = etree.fromstring(data)
    return _inclusive(one) and any(str(name).startswith(_XML) for each in root.iter("*") for name in each.attrib)


def _key_value(data: bytes, one: Signature | None) -> bool:
    return one is not None and next(one.node.iter(f"{{{DS}}}KeyValue"), None) is not None


def _comment_in_base64(data: bytes, one: Signature | None) -> bool:
    return one is not None and next(one.node.iter(etree.Comment), None) is not None


@dataclass(frozen=True, slots=True)
class Explained:
    """One kind of disagreement. ``reason``: ours against the signature; empty: we accept it."""

    engine: str
    reason: str
    why: str
    when: Condition = _always


TABLE = (
    Explained(
        "signxml",
        "",
        'lxml writes a spurious xmlns="" in the inclusive C14N of a part in a default namespace, and signxml keeps it',
        _inclusive_default,
    ),
    Explained(
        "signxml", "", "signxml wants KeyValue and certificate to agree; for us the certificate counts", _key_value
    ),
    Explained("signxml", "digest", "lxml loses inherited xml:* attributes in the inclusive C14N of a part", _inherited),
    Explained("signxml", "place.duplicate-id", "signxml looks for a repeated Id in its own spelling only"),
    Explained("signxml", "form.not-base64", "Python's lax decoder passes over what is not base64; we do not"),
    Explained("xmlsec", "place.duplicate-id", "xmlsec takes the first of several elements with one Id"),
    Explained("xmlsec", "form.not-base64", "xmlsec reads around a comment in a base64 text", _comment_in_base64),
    Explained("santuario", "place.duplicate-id", "the application registers identifiers, and one of a name wins"),
    Explained("santuario", "form.not-base64", "Java's MIME decoder passes over what is not base64; we do not"),
)


Judged = list[tuple[str, bytes, View]]
"""Documents by name, with our view of each."""


def judged(documents: Iterable[tuple[str, bytes]]) -> Judged:
    """Our view of documents; what is no document for us is left out."""
    return [(name, data, mine) for name, data in documents if (mine := ours(data)) is not None]


def compared(
    documents: Judged, engine: str, opinions: Callable[[list[bytes]], list[Opinion]]
) -> tuple[int, list[str], set[Explained]]:
    """How many signatures were compared, the disagreements that nothing explains, and the explanations needed."""
    theirs = opinions([data for _, data, _ in documents])
    count, open_ones, used = 0, [], set()
    for (name, data, mine), said in zip(documents, theirs, strict=True):
        for identifier, (good, reason, one) in mine.items():
            count += 1
            if said.get(identifier, False) == good:
                continue
            if reason.startswith("form.base64-"):  # the same with the encoder's name
                reason = "form.not-base64"
            fitting = [
                each for each in TABLE if (each.engine, each.reason) == (engine, reason) and each.when(data, one)
            ]  # fmt: skip
            if fitting:
                used.add(fitting[0])
            else:
                word = "we accept, they refuse" if good else f"they accept, we refuse ({reason})"
                open_ones.append(f"{name}: {identifier}: {word}")
    return count, open_ones, used


def stale(engine: str, used: set[Explained]) -> list[Mapping[str, str]]:
    """Explanations of an engine that explained nothing."""
    return [{"reason": one.reason, "why": one.why} for one in TABLE if one.engine == engine and one not in used]
