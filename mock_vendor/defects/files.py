"""More wrong files and signatures: DOC, KY, CTS; and another equivalent form that must survive."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from mock_vendor.contents import Contents, Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.register import HOMEROOM, PRINCIPAL, TEACHER, Wanted
from mock_vendor.signing import Credential
from mock_vendor.writing import Signature

PLAIN = ["THCS:thcs-plain"]


def _first_end(text: str) -> int:
    """Behind the first start tag of the content."""
    found = re.search(r'<[\w.:-]+[^>]* [\w.:-]+="content"[^>]*>', text)
    return found.end() if found else len(text)


@defect(
    "writes-comments",
    "Chèn chú thích XML vào nội dung",
    "Writes XML comments into the content",
    expects=["PL1-DOC-003"],
    shows=PLAIN,
)
class Commented(Habits):
    """For the developer, once."""

    def before_signing(self, text: str) -> str:
        text = super().before_signing(text)
        at = _first_end(text)
        return f"{text[:at]}<!-- export 1.0 -->{text[at:]}"


@defect(
    "writes-a-stylesheet-instruction",
    "Chèn chỉ thị xml-stylesheet",
    "Writes an xml-stylesheet instruction",
    expects=["PL1-DOC-003"],
    shows=PLAIN,
)
class Styled(Habits):
    """So that browsers show something."""

    def before_signing(self, text: str) -> str:
        text = super().before_signing(text)
        head, mark, tail = text.partition("?>")
        return f'{head}{mark}<?xml-stylesheet type="text/xsl" href="hocba.xsl"?>{tail}'


@defect(
    "writes-a-byte-order-mark",
    "Ghi BOM ở đầu tệp",
    "Writes a byte order mark",
    expects=["PL1-DOC-006"],
    shows=PLAIN,
)
class ByteOrderMark(Habits):
    """Still valid; advised against."""

    def issued_bytes(self, text: str) -> bytes:
        return b"\xef\xbb\xbf" + super().issued_bytes(text)


@defect(
    "writes-utf-16",
    "Ghi tệp bằng UTF-16",
    "Writes files in UTF-16",
    expects=["PL1-DOC-001"],
    shows=PLAIN,
)
class Utf16(Habits):
    """The platform's own string type."""

    def issued_bytes(self, text: str) -> bytes:
        return text.replace('encoding="UTF-8"', 'encoding="UTF-16"', 1).encode("utf-16")


@defect(
    "leaves-ampersands-bare",
    "Không thoát dấu & trong lời nhận xét",
    "Leaves ampersands unescaped",
    expects=["PL1-DOC-001"],
    shows=["THCS:thcs-markup-in-texts"],
)
class BareAmpersands(Habits):
    """Text pasted together instead of written by a library."""

    def issued_bytes(self, text: str) -> bytes:
        return super().issued_bytes(text.replace("&amp;", "&"))


@defect(
    "writes-eth-for-d-stroke",
    "Ghi Ð (U+00D0) thay cho Đ",
    "Writes Ð (U+00D0) for Đ",
    expects=["PL1-DOC-005"],
    shows=PLAIN,
)
class Eth(Habits):
    """They look alike."""

    def printed_like(self, text: str | None) -> str | None:
        """The text with the letter of another language."""
        return text and text.replace("\u0110", "\u00d0").replace("\u0111", "\u00f0")

    def subjects(self, facts: Facts) -> list[Contents]:
        return [{**one, "comment": self.printed_like(one["comment"])} for one in super().subjects(facts)]


@defect(
    "leaves-the-principal-out",
    "Tệp phát hành thiếu chữ ký của hiệu trưởng",
    "Issues files without the principal's signature",
    expects=["PL1-KY-003"],
    shows=PLAIN,
)
class WithoutPrincipal(Habits):
    """It was made, and is not written."""

    def text(self, contents: Contents, signatures: Sequence[Signature], *, sealed: bool) -> str:
        kept = [one for one in signatures if one.role != PRINCIPAL]
        return super().text(contents, kept, sealed=sealed)


@defect(
    "principal-signs-contents-only",
    "Chữ ký hiệu trưởng không phủ chữ ký của giáo viên",
    "The principal's signature does not cover the teachers'",
    expects=["PL1-KY-005"],
    shows=PLAIN,
)
class ContentsOnly(Habits):
    """Signatures below could be exchanged afterwards."""

    def covered(self, one: Wanted, ids: Mapping[str, str]) -> list[str]:
        return [ids["content"]] if one.role == PRINCIPAL else super().covered(one, ids)


@defect(
    "homeroom-signs-summary-only",
    "Chữ ký chủ nhiệm chỉ phủ phần tổng kết",
    "The homeroom teacher's signature covers the summary only",
    expects=["PL1-KY-005"],
    shows=PLAIN,
)
class SummaryOnly(Habits):
    """The marks that it rests on are left out."""

    def covered(self, one: Wanted, ids: Mapping[str, str]) -> list[str]:
        return [ids["summary"]] if one.role == HOMEROOM else super().covered(one, ids)


@defect(
    "signs-with-an-unset-clock",
    "Thời điểm ký nằm bốn năm trước ngày tạo học bạ",
    "Claims signing times four years before the transcript was made",
    expects=["PL1-STR-006"],
    cause="PL1-STR-006.signed-before-creation",
    shows=PLAIN,
)
class UnsetClock(Habits):
    """The teachers' machines think it is four years ago."""

    def signing_time(self, one: Wanted, now: datetime) -> datetime:
        time = super().signing_time(one, now)
        return time - timedelta(days=4 * 365) if one.role == TEACHER else time


@defect(
    "principal-signs-for-homeroom",
    "Ký phần chủ nhiệm bằng chứng thư của hiệu trưởng",
    "Signs for the homeroom teacher with the principal's certificate",
    expects=["PL1-CTS-003"],
    shows=PLAIN,
)
class OneForAnother(Habits):
    """The token that happened to be in the machine."""

    def credential_of(self, one: Wanted, find: Callable[[str], Credential]) -> Credential:
        known: dict[str, str] = self.__dict__.setdefault("_leaders", {})
        if one.role == HOMEROOM and known.get("leader"):
            return find(known["leader"])
        return super().credential_of(one, find)

    def is_named(self, one: Wanted, wanted: Collection[Wanted]) -> bool:
        known: dict[str, str] = self.__dict__.setdefault("_leaders", {})
        known["leader"] = next((each.signer for each in wanted if each.role == PRINCIPAL), "")
        return super().is_named(one, wanted)


@defect(
    "writes-windows-line-ends",
    "Tương đương: xuống dòng kiểu Windows",
    "Equivalent: Windows line ends, which every XML parser reads as plain ones",
    expects=[],
    shows=PLAIN,
)
class WindowsLines(Habits):
    """Not wrong: it must survive."""

    def issued_bytes(self, text: str) -> bytes:
        return super().issued_bytes(text.replace("\n", "\r\n"))
