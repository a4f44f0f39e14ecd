"""Bytes ⇄ transcript: safe reading, binding by pack, places, writing."""

from conformance.document.read import Document, Problem, Reading, positions, read, xpath_of
from conformance.document.write import write

__all__ = ["Document", "Problem", "Reading", "positions", "read", "write", "xpath_of"]
