"""MA: codes and names against the pack's lists, by date (PL1-MA-001 … 009)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from conformance.checks.context import Context
from conformance.checks.limited import Limited
from conformance.checks.structure import is_digitised, programme_of
from conformance.document import Document
from conformance.finding import Recorder
from conformance.pack import CodeList
from conformance.transcript.model import Address, School, Transcript, Value

_PROVINCE, _DEPARTMENT = "PL1-MA-004.province", "PL1-MA-004.department"


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge all codes."""
    transcript = document.transcript
    _lists(document, transcript, context, found)
    _levels(document, transcript, context, found)
    _grade_and_nationality(document, transcript, context, found)
    if not is_digitised(document):
        _subjects(document, transcript, context, found)
    _names(document, transcript, context, found)
    _school_province(document, transcript, context, found)
    _addresses(document, transcript, context, found)
    _identifiers(document, transcript, context, found)


def _lists(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-001, but for the result levels."""
    rule = "PL1-MA-001"
    profile = transcript.profile
    for value, name in (
        (profile.ethnicity, "ethnicities"),
        (profile.gender, "genders"),
        (transcript.record.level, "school-levels"),
    ):
        listed = context.pack.codes.get(name)
        if value is None or listed is None:
            continue
        if listed.find(_code(value)):
            found.held(rule)
        else:
            found.violated(rule, name, place=document.place(value), expected=_some(listed), seen=value.raw[:60])
    programme = transcript.record.programme
    if programme is not None and transcript.record.level is not None:
        known = {one.programme for one in context.pack.programmes.values()}
        if _code(programme) not in known:
            wanted = ", ".join(sorted(known))
            found.violated(
                rule, "programmes", place=document.place(programme), expected=wanted, seen=programme.raw[:60]
            )

    # the other flags belong to the rules that read them (PL1-LL-001, 005)
    flag = transcript.version.digitised
    if flag is not None and flag.value is None:
        wanted = ", ".join(str(one) for one in context.pack.binding.values["flag"])
        found.violated(rule, "flags", place=document.place(flag), expected=wanted, seen=flag.raw[:20])


def _code(value: Value[str]) -> str:
    """The code as understood: stray spaces are PL1-DOC-006's to report."""
    return (value.value or "").strip()


def _some(listed: CodeList) -> str:
    """The codes of a list, cut short."""
    codes = list(dict.fromkeys(entry.code for entry in listed))
    return ", ".join(codes[:12]) + (", …" if len(codes) > 12 else "")


def _level_values(transcript: Transcript) -> Iterator[Value[Any]]:
    for levels in (transcript.summary.learning, transcript.summary.conduct):
        for value in (levels.semester1, levels.semester2, levels.year, levels.after_summer):
            if value is not None and value.raw:
                yield value


def _levels(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-009: not the other encoding; PL1-MA-001: a level of the list."""
    mixed = False
    for value in _level_values(transcript):
        if value.value is not None:
            found.held("PL1-MA-001", "levels")
            continue
        wanted = ", ".join(str(code) for code in context.pack.binding.values["level"])
        if value.raw.strip() in map(str, context.pack.binding.values.get("foreign-level", {})):
            mixed = True
            found.violated("PL1-MA-009", "mixed", place=document.place(value), expected=wanted, seen=value.raw)
        else:
            found.violated("PL1-MA-001", "levels", place=document.place(value), expected=wanted, seen=value.raw[:20])
    if not mixed:
        found.held("PL1-MA-009")


def _grade_and_nationality(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-MA-002"
    grade, programme = transcript.record.grade, programme_of(document, context)
    if grade is not None and programme is not None:
        grades, formats = context.pack.programmes[programme].grades, context.pack.binding.formats
        wanted = ", ".join(formats.write_grade(one) for one in grades)
        if grade.value in grades and formats.is_grade(grade.raw.strip()):
            found.held(rule, "grade")
        else:
            found.violated(rule, "grade", place=document.place(grade), expected=wanted, seen=grade.raw[:20])
    nationality, listed = transcript.profile.nationality, context.pack.codes.get("nationalities")
    if nationality is not None and listed is not None:
        if listed.find(_code(nationality)):
            found.held(rule, "nationality")
        else:
            found.violated(
                rule, "nationality", place=document.place(nationality), expected=listed.source, seen=nationality.raw
            )


def _subjects(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-003: known subject codes; PL1-MA-004: the name that belongs to the code."""
    listed = context.pack.codes.get("subjects")
    programme = programme_of(document, context)
    limited = Limited(document, found)
    for subject in transcript.subjects:
        if subject.code is None or listed is None:
            continue
        code = context.subject_map.get(subject.code.raw, _code(subject.code))
        entry = listed.find(code)
        if entry is None:
            limited.violated("PL1-MA-003", "unknown", subject.code, seen=subject.code.raw[:20])
            continue
        if programme is not None and programme not in entry.data.get("programmes", {}):
            # a subject of another programme is PL1-MON-003's to name
            found.held("PL1-MA-003", "other-programme")
        else:
            found.held("PL1-MA-003")
        if subject.name is not None:
            _named(document, listed, code, subject.name, None, "subject", found)


def _named(
    document: Document, listed: CodeList, code: str, name: Value[str], day: date | None, what: str, found: Recorder
) -> None:
    entries = [entry for entry in listed.all_of(code) if entry.valid_on(day)]
    if not entries:
        return
    if any(entry.is_called(name.value or "") for entry in entries):
        found.held("PL1-MA-004", what)
    else:
        wanted = " / ".join(dict.fromkeys(entry.name for entry in entries))
        found.violated("PL1-MA-004", what, place=document.place(name), expected=wanted, seen=name.raw[:120], code=code)


def _names(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-004 for province and department, in the list of the document's date."""
    school, day = transcript.school, transcript.dated
    provinces, departments = context.pack.codes.get("provinces"), context.pack.codes.get("departments")
    if provinces and school.province_code and school.province_name:
        _named(document, provinces, _code(school.province_code), school.province_name, day, "province", found)
    if departments is None or not school.department_code or not school.department_name:
        return
    code = _code(school.department_code)
    if any(entry.valid_on(day) for entry in departments.all_of(code)):
        _named(document, departments, code, school.department_name, day, "department", found)
        _other_list(departments, provinces, school, day, found)
        return
    # a department goes with its province: the list of the wrong date is one mistake
    province = _code(school.province_code) if school.province_code else ""
    outdated = provinces is not None and provinces.all_of(province) and provinces.find(province, day) is None
    found.violated(
        "PL1-MA-004",
        "department-unknown",
        place=document.place(school.department_code),
        seen=school.department_code.raw[:20],
        consequence_of="PL1-MA-005.not-any-more" if outdated and departments.all_of(code) else "",
    )


def _other_list(
    departments: CodeList, provinces: CodeList | None, school: School, day: date | None, found: Recorder
) -> None:  # fmt: skip
    """The names of both, province and department, as another day's list has them are one mistake: the list."""
    wrong = [one for one in found.violations if one.code in (_PROVINCE, _DEPARTMENT)]
    if provinces is None or len(wrong) < len((_PROVINCE, _DEPARTMENT)):
        return
    for listed, code, name in (
        (provinces, school.province_code, school.province_name),
        (departments, school.department_code, school.department_name),
    ):
        entries = listed.all_of(_code(code)) if code else ()
        if name is None or not any(entry.is_called(name.value or "") for entry in entries if not entry.valid_on(day)):
            return
    found.observations = [
        replace(one, consequence_of=_PROVINCE) if one.code == _DEPARTMENT and one.is_root else one
        for one in found.observations
    ]


def _school_province(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-MA-005"
    value, day = transcript.school.province_code, transcript.dated
    provinces = context.pack.codes.get("provinces")
    if value is None or provinces is None:
        return
    entries = provinces.all_of(_code(value))
    if not entries:
        found.violated(rule, "unknown", place=document.place(value), seen=value.raw[:20])
    elif not any(entry.valid_on(day) for entry in entries):
        cause = "not-any-more" if all(entry.valid_to for entry in entries) else "not-yet"
        found.violated(rule, cause, place=document.place(value), expected=str(day), seen=value.raw)
    else:
        found.held(rule)


def _addresses(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-006: codes of birthplace, home and residence are of either list, and agree with the words."""
    rule = "PL1-MA-006"
    listed = context.pack.codes.get("provinces")
    if listed is None:
        return
    profile = transcript.profile
    foreign = not _at_home(transcript, context)
    for address in (profile.birthplace, profile.hometown, profile.residence):
        if not isinstance(address, Address) or address.province_code is None:
            continue
        code = address.province_code
        own_code = _code(code)
        entries = listed.all_of(own_code)
        if not entries:
            found.violated(rule, "unknown", place=document.place(code), seen=code.raw[:20])
            continue
        detail = (address.detail.value or "").casefold().rstrip(" .,;") if address.detail else ""
        own = any(name.casefold() in detail for entry in entries for name in (entry.name, *entry.names))
        named = [
            entry.name
            for entry in (() if own or foreign else listed)
            if entry.code != own_code and detail.endswith(entry.name.casefold())
        ]
        if named:
            wanted = " / ".join(dict.fromkeys(entry.name for entry in entries))
            found.violated(rule, "disagree", place=document.place(code), expected=wanted, seen=named[0], code=own_code)
        else:
            found.held(rule)


def _at_home(transcript: Transcript, context: Context) -> bool:
    """Whether the learner is a national of the country whose identifiers these are."""
    nationality = transcript.profile.nationality
    return nationality is None or _code(nationality) in context.pack.binding.values.get("home", {})


def _identifiers(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    """PL1-MA-007: form of identifiers; PL1-MA-008: what they say agrees with the learner."""
    learner = transcript.learner
    vietnamese = _at_home(transcript, context)
    identifiers = context.pack.header.identifiers
    national_id, passport = identifiers.national_id_pattern, identifiers.passport_pattern
    if learner.national_id is not None:
        if national_id.fullmatch(_code(learner.national_id)):
            found.held("PL1-MA-007", "vietnamese" if vietnamese else "foreign")
            _speaking(document, transcript, learner.national_id, context, found)
        else:
            found.violated(
                "PL1-MA-007",
                "not-twelve-digits",
                place=document.place(learner.national_id),
                seen=learner.national_id.raw,
            )
    elif learner.passport is not None:
        if vietnamese:
            found.violated("PL1-MA-007", "vietnamese-without", place=document.place(learner.passport))
        elif passport.fullmatch(_code(learner.passport)):
            found.held("PL1-MA-007", "foreign")
        else:
            found.violated(
                "PL1-MA-007", "not-a-passport", place=document.place(learner.passport), seen=learner.passport.raw
            )
    people = [person for subject in transcript.subjects for person in subject.teachers]
    people.append(transcript.summary.homeroom_teacher)
    named: set[str] = set()
    limited = Limited(document, found)
    numbers = [*(person.national_id for person in people), transcript.issue.leader.national_id]
    passports = [person.passport for person in people]
    for form, cause, given in (
        (national_id, "signer-not-twelve-digits", numbers), (passport, "signer-not-a-passport", passports),
    ):  # fmt: skip
        for identifier in given:
            # somebody who teaches six subjects is one mistake
            if identifier is not None and identifier.raw not in named and not form.fullmatch(_code(identifier)):
                named.add(identifier.raw)
                limited.violated("PL1-MA-007", cause, identifier, seen=identifier.raw[:40])
                if limited.is_full("PL1-MA-007", cause):
                    break


def _speaking(document: Document, transcript: Transcript, value: Value[str], context: Context, found: Recorder) -> None:
    rule = "PL1-MA-008"
    identifiers = context.pack.header.identifiers
    match = identifiers.national_id_pattern.fullmatch(_code(value))
    parts = match.groupdict() if match else {}
    good = True
    registered, where = context.pack.codes.get("id-provinces"), parts.get("place")
    # numbers above the last province's are those of countries, whose list is not public
    if where and registered and not registered.find(where) and where <= max(entry.code for entry in registered):
        good = False
        found.violated(rule, "province", place=document.place(value), seen=where)
    gender, born = transcript.profile.gender, transcript.learner.birth_date
    sex = identifiers.sexes.get(parts.get("sex") or "")
    said = context.pack.binding.values.get("gender", {}).get(_code(gender)) if gender else None
    if gender and said is not None and sex is not None and said != sex.gender:
        good = False
        found.violated(rule, "gender", place=document.place(value), expected=gender.raw, seen=parts["sex"])
    if born and born.value and sex is not None and parts.get("year"):
        year = sex.century * 100 + int(parts["year"])
        if year != born.value[0]:
            good = False
            # an impossible birth date is one mistake, which the identifier only shows once more
            follows = next((one.code for one in found.violations if one.code == "PL1-STR-008.implausible"), "")
            found.violated(
                rule, "birth-year", place=document.place(value), expected=born.value[0], seen=year,
                consequence_of=follows,
            )  # fmt: skip
    if good:
        found.held(rule)
