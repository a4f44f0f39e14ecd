"""Sound transcripts as plain wire values, worked out by hand: what tests change one thing of."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any

from conformance.document import Document, read, write
from conformance.pack import Pack, default_pack

VIETNAM = timezone(timedelta(hours=7))
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=VIETNAM)
"""When the documents of the tests are signed and judged."""

_LOWER = (
    ("NVA", "Ngữ văn", "DIEM", "7.5", "8", "7.8"),
    ("TOA", "Toán", "DIEM", "8", "8.5", "8.3"),
    ("ANH", "Tiếng Anh", "DIEM", "8.2", "8.4", "8.3"),
    ("GCD", "Giáo dục công dân", "DIEM", "9", "9", "9"),
    ("LSD", "Lịch sử và Địa lí", "DIEM", "8.1", "8", "8"),
    ("KTN", "Khoa học tự nhiên", "DIEM", "7.9", "8.1", "8"),
    ("CNG", "Công nghệ", "DIEM", "8.5", "8.7", "8.6"),
    ("TIN", "Tin học", "DIEM", "9.1", "9.4", "9.3"),
    ("GTC", "Giáo dục thể chất", "NHANXET", "Đ", "Đ", "Đ"),
    ("NTH", "Nghệ thuật", "NHANXET", "Đ", "Đ", "Đ"),
    ("HTN", "Hoạt động trải nghiệm, hướng nghiệp", "NHANXET", "Đ", "Đ", "Đ"),
    ("GDP", "Nội dung giáo dục của địa phương", "NHANXET", "Đ", "Đ", "Đ"),
)
_UPPER = (
    ("NVA", "Ngữ văn", "DIEM", "7.5", "8", "7.8"),
    ("TOA", "Toán", "DIEM", "8", "8.5", "8.3"),
    ("ANH", "Tiếng Anh", "DIEM", "8.2", "8.4", "8.3"),
    ("LSU", "Lịch sử", "DIEM", "9", "9", "9"),
    ("QPA", "Giáo dục quốc phòng và an ninh", "DIEM", "8.1", "8", "8"),
    ("VLI", "Vật lí", "DIEM", "7.9", "8.1", "8"),
    ("HOA", "Hóa học", "DIEM", "8.5", "8.7", "8.6"),
    ("SIN", "Sinh học", "DIEM", "9.1", "9.4", "9.3"),
    ("TIN", "Tin học", "DIEM", "8", "8", "8"),
    ("GTC", "Giáo dục thể chất", "NHANXET", "Đ", "Đ", "Đ"),
    ("HTN", "Hoạt động trải nghiệm, hướng nghiệp", "NHANXET", "Đ", "Đ", "Đ"),
    ("GDP", "Nội dung giáo dục của địa phương", "NHANXET", "Đ", "Đ", "Đ"),
)

_GIVEN = (
    "An", "Bình", "Châu", "Dung", "Giang", "Hà", "Khánh", "Lan", "Mai", "Nga", "Oanh", "Phương", "Quỳnh", "Sen", "Thảo",
    "Uyên", "Vân",
)  # fmt: skip
TEACHERS = {
    code: (f"Nguyễn Thị {word}", f"001185{990100 + number:06d}")
    for number, (code, word) in enumerate(
        zip(
            dict.fromkeys(row[0] for row in (*_LOWER, *_UPPER)),
            [
                "An",
                "Bình",
                "Châu",
                "Dung",
                "Giang",
                "Hà",
                "Khánh",
                "Lan",
                "Mai",
                "Nga",
                "Oanh",
                "Phương",
                "Quỳnh",
                "Sen",
                "Thảo",
                "Uyên",
                "Vân",
            ],
            strict=False,
        )
    )
}
HOMEROOM = ("Trần Văn Hòa", "001080990201")
LEADER = ("Lê Thị Hạnh", "001175990301")


def valid_values(programme: str = "THCS") -> dict[str, Any]:
    """Nested wire values by model name of a sound version 1: all good, promoted, title earned and given."""
    upper = programme == "THPT"
    rows = _UPPER if upper else _LOWER
    return copy.deepcopy(
        {
            "spec_version": "1.0",
            "record": {
                "id": "3f2b8c1e-5d4a-4b6f-9c7d-0a1b2c3d4e5f",
                "school_year": "2025-2026",
                "circular": "22/2021/TT-BGDĐT",
                "level": "04" if upper else "03",
                "programme": "GDPT",
                "school_code": "9901000001",
                "grade": "10" if upper else "07",
            },
            "learner": {
                "code": "9900000001",
                "national_id": "001210990001" if upper else "001213990001",
                "name": "Phạm Đức Minh",
                "birth_date": "2010-03-04" if upper else "2013-03-04",
            },
            "version": {"number": "1", "created": "2026-06-10", "digitised": "0"},
            "school": {
                "department_code": "01",
                "department_name": "Sở Giáo dục và Đào tạo Hà Nội",
                "name": "Trường Thử nghiệm Ban Mai",
                "commune_name": "Phường Giả Định",
                "province_name": "Hà Nội",
                "province_code": "01",
            },
            "profile": {
                "gender": "1",
                "ethnicity": "01",
                "nationality": "VN",
                "birthplace": {"detail": "Phường Giả Định, Hà Nội", "province_code": "01"},
                "hometown": {"detail": "Xã Giả Định, Ninh Bình", "province_code": "37"},
                "residence": {"detail": "Số 1 phố Thử, Hà Nội"},
                "not_assessed": "0",
                "father": {"name": "Phạm Văn Long", "occupation": "Kỹ sư"},
                "mother": {"name": "Đỗ Thị Hoa"},
            },
            "history": [],
            "class_name": "10A1" if upper else "7A1",
            "subjects": [
                {
                    "code": code,
                    "name": name,
                    "scoring": scoring,
                    "semester1": first,
                    "semester2": second,
                    "year": year,
                    "comment": f"Học tốt môn {name}.",
                    "teachers": [{"name": TEACHERS[code][0], "national_id": TEACHERS[code][1]}],
                }
                for code, name, scoring, first, second, year in rows
            ],
            "summary": {
                "learning": {"semester1": "T", "semester2": "T", "year": "T"},
                "conduct": {"semester1": "T", "semester2": "T", "year": "T"},
                "absences": "3",
                "promoted": "1",
                "promotion_text": "Được lên lớp 11" if upper else "Được lên lớp 8",
                "title": "Học sinh Giỏi",
                "homeroom_comment": "Chăm ngoan, tiến bộ.",
                "homeroom_teacher": {"name": HOMEROOM[0], "national_id": HOMEROOM[1]},
            },
            "issue": {
                "leader": {"name": LEADER[0], "national_id": LEADER[1], "title": "Hiệu trưởng"},
                "place": "Hà Nội",
                "signed_on": "2026-06-15",
            },
        }
    )


def subject(values: dict[str, Any], code: str) -> dict[str, Any]:
    """One subject of the values."""
    found: dict[str, Any] = next(one for one in values["subjects"] if one["code"] == code)
    return found


def document_of(values: dict[str, Any], pack: Pack | None = None) -> Document:
    """The values written and read again."""
    pack = pack or default_pack()
    document = read(write(values, pack), pack).document
    assert document is not None
    return document
