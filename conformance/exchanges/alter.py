"""Other versions of an issued transcript, to be placed at the service as if somebody else had sent them."""

from __future__ import annotations

import uuid

from lxml import etree

from conformance.document import read
from conformance.doors.http import BadAnswer
from conformance.pack import Pack


def altered(data: bytes, what: str, pack: Pack) -> bytes:
    """Bytes that the service can read as a transcript; what signatures they had does not hold any more.

    ``version-taken``: the same identifier and version, other bytes; ``next-version``; ``second-record``: another
    identifier.

    Raises:
        BadAnswer: the software's own bytes cannot be read.
    """
    document = read(data, pack).document
    record = document.transcript.record.id if document else None
    number = document.transcript.version.number if document else None
    if document is None or record is None or number is None or number.value is None:
        raise BadAnswer("học bạ đã phát hành không đọc được / the issued transcript cannot be read")
    if what == "version-taken":
        return data.rstrip() + b"\n\n"
    node = record.node if what == "second-record" else number.node
    if not isinstance(node, etree._Element):
        raise BadAnswer("học bạ đã phát hành không đọc được / the issued transcript cannot be read")
    fresh = uuid.uuid4()
    other = pack.header.identifiers.record_form.format(uuid=fresh, hex=fresh.hex.upper())
    node.text = other if what == "second-record" else str(number.value + 1)
    return etree.tostring(document.root, encoding="UTF-8", xml_declaration=True)
