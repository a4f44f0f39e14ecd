"""Whether a signature value that fails fits again when what was there is put back into what it signs.

Somebody took a reference away after signing, or wrote another digest into one.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence

from lxml import etree

from conformance.signature import algorithms
from conformance.signature.canonical import DS, canonical, rerooted
from conformance.signature.certificate import CertificateFacts
from conformance.signature.parse import Parsed, Reference

_MOST = 16
"""Parts that are tried, and references a signature may have for it."""


def reference_removed(
    parsed: Parsed, leaf: CertificateFacts, missing: Sequence[etree._Element], id_attribute: str
) -> etree._Element | None:
    """The one of ``missing`` whose reference, put back, makes the value fit; ``None`` when none does.

    ``missing``: what the signer should have covered. The reference is made like the others.
    """
    if parsed.signed_info is None or parsed.step is None or parsed.algorithm is None or not parsed.references:
        return None
    model = next((one for one in parsed.references if not one.own and len(one.steps) == 1), None)
    if model is None or len(parsed.references) > _MOST:
        return None
    info = rerooted(parsed.signed_info)
    references = [one for one in info if one.tag == f"{{{DS}}}Reference"]
    pattern = references[parsed.references.index(model)]
    for element in missing[:_MOST]:
        made = copy.deepcopy(pattern)
        step = model.steps[0]
        value = algorithms.digest(model.digest_name, canonical(element, step.method, step.prefixes))
        made.set("URI", f"#{element.get(id_attribute)}")
        digest_value = made.find(f"{{{DS}}}DigestValue")
        if digest_value is None:
            return None
        digest_value.text = base64.b64encode(value).decode()
        for position in range(info.index(references[0]), len(info) + 1):
            info.insert(position, made)
            octets = canonical(info, parsed.step.method, parsed.step.prefixes)
            info.remove(made)
            if algorithms.verify(parsed.algorithm, leaf.key, parsed.value, octets):
                return element
    return None


def digests_edited(parsed: Parsed, leaf: CertificateFacts) -> bool:
    """Whether the value fits once every digest that fails is put right: the parts are as they were signed."""
    failing = [one for one in parsed.references if one.good is False and one.target is not None]
    if parsed.signed_info is None or parsed.step is None or parsed.algorithm is None or not 0 < len(failing) <= _MOST:
        return False
    info = rerooted(parsed.signed_info)
    references = [one for one in info if one.tag == f"{{{DS}}}Reference"]
    for one in failing:
        written = references[parsed.references.index(one)].find(f"{{{DS}}}DigestValue")
        value = actual_digest(one)
        if written is None or value is None:
            return False
        written.text = base64.b64encode(value).decode()
    return algorithms.verify(
        parsed.algorithm, leaf.key, parsed.value, canonical(info, parsed.step.method, parsed.step.prefixes)
    )


def actual_digest(reference: Reference) -> bytes | None:
    """The digest of what a reference points to, as the document stands; ``None`` where it takes more than one step."""
    if reference.target is None or len(reference.steps) != 1:
        return None
    step = reference.steps[0]
    return algorithms.digest(reference.digest_name, canonical(reference.target, step.method, step.prefixes))
