"""Bytes ⇄ transcript: safe reading, binding by pack, places, writing."""

from conformance.document.binding import text_of
from conformance.document.read import MOST, Document, Problem, Reading, positions, read, xpath_of
from conformance.document.write import write

__all__ = ["MOST", "Document", "Problem", "Reading", "positions", "read", "text_of", "write", "xpath_of"]
