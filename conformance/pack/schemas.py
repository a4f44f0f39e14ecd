"""Reading a pack's XML schema: libxml2 sets up its built-in types at the first one of a process, and not safely."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from lxml import etree

READING = Lock()
"""Two threads at the first schema at once, and no schema of the process can be read any more."""


def read_schema(path: Path) -> etree.XMLSchema:
    """The schema in a file of a pack, read by itself: no network, no DTD, no entities.

    Not to be shared between threads: lxml keeps the errors of a validation in it.

    Raises:
        OSError, etree.LxmlError: there is none, or it is no schema.
    """
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    with READING:
        return etree.XMLSchema(etree.parse(str(path), parser))
