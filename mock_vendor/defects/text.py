"""Wrong text: DOC; and the equivalent form that must survive."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from mock_vendor.contents import Contents, Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits


@defect(
    "writes-doctype",
    "Chèn khai báo DOCTYPE",
    "Writes a document type declaration",
    expects=["PL1-DOC-002"],
    cause="PL1-DOC-002.doctype",
    shows=["THCS:thcs-plain"],
)
class Doctype(Habits):
    """As old XML tools do."""

    def before_signing(self, text: str) -> str:
        text = super().before_signing(text)
        found = re.search(r"<([A-Za-z][\w.:-]*)", text)
        if found is None:
            return text
        return f"{text[: found.start()]}<!DOCTYPE {found[1]}>\n{text[found.start() :]}"


@defect(
    "writes-cdata",
    "Ghi lời nhận xét trong CDATA",
    "Writes comments in CDATA sections",
    expects=["PL1-DOC-003"],
    cause="PL1-DOC-003.cdata",
    shows=["THCS:thcs-plain"],
)
class CData(Habits):
    """Texts of several words stand in CDATA; the signatures hold all the same."""

    def before_signing(self, text: str) -> str:
        return re.sub(r">([^<>&\s][^<>&\n]* [^<>&\n]{20,})</", r"><![CDATA[\1]]></", super().before_signing(text))


@defect(
    "writes-nfd",
    "Ghi chữ có dấu dạng tổ hợp rời (NFD)",
    "Writes letters decomposed (NFD)",
    expects=["PL1-DOC-005"],
    cause="PL1-DOC-005.not-nfc",
    shows=["THCS:thcs-plain"],
)
class Decomposed(Habits):
    """Comments as an Apple file dialog would hand them over."""

    def letters(self, text: str) -> str:
        return text

    def subjects(self, facts: Facts) -> list[Contents]:
        return [{**one, "comment": _apart(one["comment"])} for one in super().subjects(facts)]

    def summary(self, facts: Facts) -> Contents:
        found = super().summary(facts)
        return {**found, "homeroom_comment": _apart(found["homeroom_comment"])}


def _apart(value: Any) -> Any:
    return unicodedata.normalize("NFD", value) if isinstance(value, str) else value


@defect(
    "other-prefixes",
    "Tương đương: dùng tiền tố không gian tên và đổi thứ tự thuộc tính",
    "Equivalent: a namespace prefix throughout, and attributes in another order",
    expects=[],
    shows=["THCS:thcs-plain"],
)
class OtherPrefixes(Habits):
    """Not wrong: another spelling of the same document. It must survive."""

    def before_signing(self, text: str) -> str:
        text = super().before_signing(text)
        text = re.sub(r"<(/?)([A-Za-z_][\w.-]*)(?=[\s/>])", r"<\1hb:\2", text)
        id_ = re.escape(self.pack.binding.id_attribute)
        text = re.sub(rf'(<hb:[\w.-]+) ({id_}="[^"]*") ([\w.-]+="[^"]*")', r"\1 \3 \2", text)
        return text.replace(f'xmlns="{self.pack.binding.namespace}"', f'xmlns:hb="{self.pack.binding.namespace}"', 1)
