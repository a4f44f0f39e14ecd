"""Loads a specification pack (data) into typed objects, and lints it."""

from conformance.pack.data import PackError
from conformance.pack.load import default_pack, load_pack
from conformance.pack.model import (
    Cause,
    CodeEntry,
    CodeList,
    Pack,
    Programme,
    Requirement,
    RuleSet,
    SignaturePolicy,
    Slot,
    Text,
)

__all__ = [
    "Cause", "CodeEntry", "CodeList", "Pack", "PackError", "Programme", "Requirement", "RuleSet", "SignaturePolicy",
    "Slot", "Text", "default_pack", "load_pack",
]  # fmt: skip
