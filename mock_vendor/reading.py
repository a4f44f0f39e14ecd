"""Values of a received transcript in the words of the test interface, read from the part that the principal signed."""

from __future__ import annotations

from typing import Any

from lxml import etree

from conformance.pack import Pack
from mock_vendor.trusting import Named

Element = etree._Element


class Reading:
    """How received documents are read. Methods are seams that a named defect may replace."""

    pack: Pack

    def steps(self, path: str) -> str:
        """A path of the binding as lxml finds it."""
        space = self.pack.binding.namespace
        return "/".join(f"{{{space}}}{step}" if space else step for step in path.split("/"))

    def group(self, name: str) -> str:
        """Path of a model group from the root, or from the element of the repeated group it is part of."""
        binding = self.pack.binding
        if name not in binding.groups:
            return ""
        parent = name.rpartition(".")[0]
        above = "" if not parent or parent.endswith("[]") else self.group(parent)
        return "/".join(one for one in (above, binding.groups[name]) if one)

    def value(self, base: Element, field: str) -> str:
        """A field's text, empty where it is left out. ``base``: the root, or an element of a repeated group."""
        group = field.rpartition(".")[0]
        within = "" if group.endswith("[]") else self.group(group)
        path, _, attribute = self.pack.binding.fields[field].path.partition("@")
        way = "/".join(one for one in (within, path.rstrip("/")) if one)
        found = base.find(self.steps(way)) if way else base
        if found is None:
            return ""
        return found.get(attribute, "") if attribute else "".join(map(str, found.itertext()))

    def many(self, base: Element, group: str) -> list[Element]:
        """Elements of a repeated group."""
        return base.findall(self.steps(self.group(group)))

    def has(self, field: str) -> bool:
        """Whether this pack's documents have a field."""
        return field in self.pack.binding.fields

    def person(self, base: Element, group: str) -> Named:
        """Somebody whom the document names."""
        parts = ("name", "national_id", "passport")
        texts = [self.value(base, f"{group}.{part}") if self.has(f"{group}.{part}") else "" for part in parts]
        return Named(*texts)

    def rooted(self, content: Element) -> Element:
        """A root that holds nothing but the signed content."""
        *way, _ = self.pack.binding.anchors["content"].split("/")
        root = below = etree.Element(self.steps(self.pack.binding.root))
        for step in way:
            below = etree.SubElement(below, self.steps(step))
        below.append(content)
        return root

    def imported(self, root: Element) -> dict[str, Any]:
        """What is taken over, as the interface's ``ImportedTranscript`` without its digest."""
        formats = self.pack.binding.formats
        first = formats.read_school_year(self.value(root, "record.school_year"))
        leader = self.person(root, "issue.leader")
        found = {
            "recordId": self.value(root, "record.id"),
            "version": int(self.value(root, "version.number") or 0),
            "schoolYear": f"{first}-{first + 1}" if first else "",
            "grade": self.value(root, "record.grade").zfill(2),
            "school": {"code": self.value(root, "record.school_code"), "name": self.value(root, "school.name")},
            "learner": _filled(
                {
                    "code": self.value(root, "learner.code"),
                    "nationalId": self.value(root, "learner.national_id"),
                    "passport": self.value(root, "learner.passport"),
                    "name": self.value(root, "learner.name"),
                    "birthDate": self.day(self.value(root, "learner.birth_date")),
                }
            ),
            "subjects": [self.read_subject(one) for one in self.many(root, "subjects[]")],
            "learning": self.read_levels(root, "summary.learning"),
            "conduct": self.read_levels(root, "summary.conduct"),
            "absences": int(self.value(root, "summary.absences") or 0),
            "title": self.value(root, "summary.title"),
            "homeroomComment": self.value(root, "summary.homeroom_comment"),
            "homeroomTeacher": _person(self.person(root, "summary.homeroom_teacher")),
            "leader": {**_person(leader), **_filled({"title": self.value(root, "issue.leader.title")})},
        }
        promoted = self.pack.binding.values["flag"].get(self.value(root, "summary.promoted"))
        return _filled(found) | ({} if promoted is None else {"promoted": promoted})

    def day(self, text: str) -> str:
        """A date as far as it is known, as the interface writes it."""
        known = self.pack.binding.formats.read_partial(text)
        if known is None:
            return text
        return "-".join(f"{part:04d}" if place == 0 else f"{part:02d}" for place, part in enumerate(known) if part)

    def read_subject(self, one: Element) -> dict[str, Any]:
        """One row of the table of marks."""
        parts = {"semester1": "semester1", "semester2": "semester2", "year": "year", "reassessment": "reassessed"}
        teachers = [_person(self.person(who, "subjects[].teachers[]")) for who in self.teachers(one)]
        return _filled(
            {
                "code": self.value(one, "subjects[].code"),
                "label": self.value(one, "subjects[].name"),
                **{name: self.read_result(self.value(one, f"subjects[].{field}")) for name, field in parts.items()},
                "comment": self.value(one, "subjects[].comment"),
                "teachers": teachers,
            }
        )

    def teachers(self, one: Element) -> list[Element]:
        """The teachers that a subject names."""
        return self.many(one, "subjects[].teachers[]")

    def read_result(self, text: str) -> str:
        """A result: a mark with a point, or an outcome by its name."""
        return str(self.pack.binding.values["outcome"].get(text, text.replace(self.pack.binding.formats.decimal, ".")))

    def read_levels(self, root: Element, group: str) -> dict[str, str]:
        """Levels by period."""
        names = self.pack.binding.values["level"]
        parts = {"semester1": "semester1", "semester2": "semester2", "year": "year", "afterSummer": "after_summer"}
        texts = {name: self.value(root, f"{group}.{field}") for name, field in parts.items()}
        return {name: names[text] for name, text in texts.items() if text in names}


def _person(one: Named) -> dict[str, str]:
    return _filled({"name": one.name, "nationalId": one.national_id, "passport": one.passport})


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value not in ("", None)}
