"""Finds mistakes in a pack's data that loading alone does not: ``hocba pack lint`` and the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from itertools import combinations
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from lxml import etree

from conformance.pack.data import PackError, read_yaml
from conformance.pack.model import Cause, CodeList, Pack, Requirement, Text
from conformance.pack.schemas import read_schema

_ID = re.compile(r"PL[12]-[A-Z]{2,4}-[0-9]{3}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_XS = "{http://www.w3.org/2001/XMLSchema}"
_DOORS = ("drive", "observe", "files")
_SIGNATURE_ID = "Id"
"""What identifiers inside a signature are called, whatever the document calls its own (XML-DSig)."""
_METHODS = ("get", "put", "post", "patch", "delete", "head", "options")


@dataclass(frozen=True, slots=True)
class LintProblem:
    """One mistake: the file (relative to the pack), the place in it, and what is wrong."""

    file: str
    place: str
    text: Text

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.text.vi} / {self.text.en}"


def _problem(file: str, place: str, vi: str, en: str) -> LintProblem:
    return LintProblem(file, place, Text(vi=vi, en=en))


def lint(pack: Pack, model: type[Any] | None = None) -> list[LintProblem]:
    """Every mistake found in ``pack``; empty when it is sound.

    ``model`` is the dataclass the binding's fields speak of (``conformance.transcript.model.Transcript``); without it,
    the binding is compared with the schema only. (The pack layer knows no transcript, hence the parameter.)
    """
    problems = [problem for part in _PARTS for problem in part(pack)]
    if model is not None:
        problems.extend(_model(pack, model))
        problems.extend(_form(pack, set(model_fields(model))))
    return problems


# ---------------------------------------------------------------------------------------------------- requirements


def _requirements(pack: Pack) -> Iterator[LintProblem]:
    if not pack.requirements:
        yield _problem("requirements/", "-", "không có yêu cầu nào", "there are no requirements")
    for one in pack.requirements.values():
        file = f"requirements/{one.group.lower()}.yaml"
        yield from _identity(pack, one, file)
        for name in ("title", "meaning"):
            yield from _wording(file, f"{one.id}.text.{name}", getattr(one.text, name))
        yield from _remedy(file, f"{one.id}.text.remedy", one.text.remedy)
        if not one.causes and not one.withdrawn:
            yield _problem(file, f"{one.id}.causes", "không có mã nguyên nhân", "there are no cause codes")
        for code, cause in one.causes.items():
            if not _NAME.fullmatch(code):
                yield _problem(file, f"{one.id}.causes.{code}", "mã nguyên nhân sai dạng", "malformed cause code")
            yield from _wording(file, f"{one.id}.causes.{code}", cause)
            if cause.remedy is not None:
                yield from _remedy(file, f"{one.id}.causes.{code}.remedy", cause.remedy)


def _identity(pack: Pack, one: Requirement, file: str) -> Iterator[LintProblem]:
    if not _ID.fullmatch(one.id):
        yield _problem(file, one.id, "mã yêu cầu sai dạng", "malformed requirement id")
    elif one.id.split("-")[1] != one.group:
        yield _problem(file, one.id, f"nhóm {one.group} không khớp với mã", f"group {one.group} does not fit the id")
    elif f"appendix{one.id[2]}" != one.part:
        yield _problem(file, one.id, f"phần {one.part} không khớp với mã", f"part {one.part} does not fit the id")
    if not one.clause.strip():
        yield _problem(file, f"{one.id}.clause", "thiếu căn cứ", "no clause")
    if one.revision not in pack.header.revisions:
        yield _problem(file, f"{one.id}.revision", f"không có đợt {one.revision}", f"unknown revision {one.revision}")
    if one.capability and one.capability not in pack.header.capabilities:
        yield _problem(
            file, f"{one.id}.capability", f"không có chức năng {one.capability}", f"unknown capability {one.capability}"
        )
    if not one.programmes or not one.doors:
        yield _problem(file, one.id, "thiếu chương trình hoặc cách kiểm tra", "no programmes or no doors")
    if not one.classes and not one.withdrawn:
        yield _problem(file, f"{one.id}.classes", "không có lớp ca kiểm thử", "there are no case classes")
    for name in (*one.programmes, *(name for item in one.classes for name in item.programmes)):
        if name not in pack.programmes:
            yield _problem(file, f"{one.id}.programmes", f"không có chương trình {name}", f"unknown programme {name}")
    for item in one.classes:
        if not _NAME.fullmatch(item.name):
            yield _problem(file, f"{one.id}.classes.{item.name}", "tên lớp sai dạng", "malformed class name")
        outside = (set(item.doors) - set(one.doors)) | (set(item.programmes) - set(one.programmes))
        if outside:
            shown = ", ".join(sorted(outside))
            yield _problem(
                file,
                f"{one.id}.classes.{item.name}",
                f"ngoài phạm vi của yêu cầu: {shown}",
                f"outside the requirement's own scope: {shown}",
            )
    names = [item.name for item in one.classes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield _problem(file, f"{one.id}.classes.{name}", "lớp lặp lại", "class named twice")


def _remedy(file: str, place: str, text: Text) -> Iterator[LintProblem]:
    """A remedy stands for every finding of its cause, so it has no values of one."""
    yield from _wording(file, place, text)
    for name in sorted(set(_PLACEHOLDER.findall(text.vi + text.en))):
        yield _problem(file, place, f"lời khắc phục không có tham số {{{name}}}", f"a remedy has no value {{{name}}}")


def _wording(file: str, place: str, text: Text | Cause) -> Iterator[LintProblem]:
    for language in ("vi", "en"):
        wording = text.of(language)
        if not wording.strip():
            yield _problem(file, f"{place}.{language}", "thiếu lời", "empty wording")
        for name in _PLACEHOLDER.findall(wording):
            if not _PARAMETER.fullmatch(name):
                yield _problem(file, f"{place}.{language}", f"tham số sai {{{name}}}", f"bad placeholder {{{name}}}")
    vi, en = set(_PLACEHOLDER.findall(text.of("vi"))), set(_PLACEHOLDER.findall(text.of("en")))
    if vi != en:
        shown = ", ".join(sorted(vi ^ en))
        yield _problem(file, place, f"tham số khác nhau giữa hai ngôn ngữ: {shown}", f"placeholders differ: {shown}")


def _texts(pack: Pack) -> Iterator[LintProblem]:
    for key, text in pack.texts.items():
        yield from _wording("texts/", key, text)


# --------------------------------------------------------------------------------------------- header, codes, rules


def _header(pack: Pack) -> Iterator[LintProblem]:
    header = pack.header
    if header.revision not in header.revisions:
        yield _problem("pack.yaml", "revision", "đợt chấm không có trong danh sách", "revision is not in the list")
    if header.valid_to is not None and header.valid_to < header.valid_from:
        yield _problem("pack.yaml", "valid-to", "kết thúc trước khi bắt đầu", "ends before it begins")
    for name, one in header.programmes.items():
        if one.rules not in pack.rules:
            yield _problem("pack.yaml", f"programmes.{name}.rules", f"không có {one.rules}", f"no rule set {one.rules}")
        if one.certified_from not in header.revisions:
            yield _problem("pack.yaml", f"programmes.{name}.certified-from", "đợt không tồn tại", "unknown revision")
        if one.family not in header.ages:
            yield _problem("pack.yaml", "ages", f"thiếu {one.family}", f"{one.family} is missing")
        if one.family not in pack.signature.titles:
            yield _problem("signature.yaml", "titles", f"thiếu {one.family}", f"{one.family} is missing")
    yield from _identifiers(pack)
    seen: dict[tuple[str, str], str] = {}
    for name, one in header.programmes.items():
        other = seen.setdefault((one.level, one.programme), name)
        if other != name:
            yield _problem("pack.yaml", f"programmes.{name}", f"trùng với {other}", f"same codes as {other}")


def _identifiers(pack: Pack) -> Iterator[LintProblem]:
    identifiers = pack.header.identifiers
    groups: set[str] = set()
    for name in ("record", "national_id", "passport"):
        place = f"identifiers.{name.replace('_', '-')}"
        try:
            pattern = re.compile(getattr(identifiers, name))
        except re.error:
            yield _problem("pack.yaml", place, "mẫu sai", "bad pattern")
            continue
        if name == "national_id":
            groups = set(pattern.groupindex)
        elif name == "record":
            made = identifiers.record_form.format(uuid=UUID(int=0), hex=UUID(int=0).hex.upper())
            if not pattern.fullmatch(made):
                yield _problem(
                    "pack.yaml", f"{place}-form", f"{made} không khớp mẫu", f"{made} does not fit the pattern"
                )
    if "sex" in groups and not identifiers.sexes:
        yield _problem("pack.yaml", "identifiers.sexes", "trống", "empty")


def _codes(pack: Pack) -> Iterator[LintProblem]:
    for name, one in pack.codes.items():
        file = f"codes/{name}.yaml"
        if one.name != name:
            yield _problem(file, "name", f"tên trong tệp là {one.name}", f"the file calls itself {one.name}")
        yield from _overlaps(file, one)
        for entry in one:
            if not entry.code or not entry.name.strip():
                yield _problem(file, entry.code or "-", "thiếu mã hoặc tên", "code or name is missing")
            if entry.valid_from and entry.valid_to and entry.valid_to < entry.valid_from:
                yield _problem(file, entry.code, "hết hiệu lực trước khi có hiệu lực", "ends before it begins")


def _overlaps(file: str, one: CodeList) -> Iterator[LintProblem]:
    for code in dict.fromkeys(entry.code for entry in one):
        for first, second in combinations(one.all_of(code), 2):
            # two editions of a list may be accepted side by side for a time; within one edition that is a mistake
            if first.data.get("edition") != second.data.get("edition"):
                continue
            begin = max(first.valid_from or date.min, second.valid_from or date.min)
            if begin <= min(first.valid_to or date.max, second.valid_to or date.max):
                yield _problem(file, code, "hai mục cùng hiệu lực một ngày", "two entries are valid on the same day")


def _rules(pack: Pack) -> Iterator[LintProblem]:
    circulars: dict[str, str] = {}
    for name, one in pack.rules.items():
        file = f"rules/{name}.yaml"
        if one.id != name:
            yield _problem(file, "id", f"tên trong tệp là {one.id}", f"the file calls itself {one.id}")
        other = circulars.setdefault(one.circular, name)
        if other != name:
            yield _problem(file, "circular", f"trùng với {other}", f"same as {other}")
        if one.mark_minimum >= one.mark_maximum:
            yield _problem(file, "mark-minimum", "không nhỏ hơn mark-maximum", "not below mark-maximum")
        levels = set(one.conduct)
        for second, row in one.conduct.items():
            if set(row) != levels or not set(row.values()) <= levels:
                yield _problem(
                    file, f"conduct.{second}", "bảng không đủ hoặc có mức lạ", "incomplete, or unknown levels"
                )
        known = levels | {threshold.level for threshold in one.thresholds}
        for place, level in (
            ("promotion-conduct", one.promotion_conduct),
            ("promotion-learning", one.promotion_learning),
            ("reassessment-conduct", one.reassessment_conduct),
            *((f"adjustable.{level}", level) for level in one.adjustable),
            *((f"titles.{title.title}", level) for title in one.titles for level in (title.conduct, title.learning)),
        ):
            if level not in known:
                yield _problem(file, place, f"mức lạ {level}", f"unknown level {level}")
        bounds = [limit for limit, _ in one.regular_marks]
        if bounds != sorted(set(bounds)):
            yield _problem(file, "regular-marks", "không tăng dần", "not ascending")


# ------------------------------------------------------------------------------------------ binding, schema, slots


@dataclass(slots=True)
class _Tree:
    """Element names as the schema nests them; attributes start with ``@``. ``open``: anything may follow."""

    children: dict[str, _Tree]
    open: bool = False

    def at(self, path: str) -> _Tree | None:
        here: _Tree | None = self
        for name in path.split("/") if path else ():
            here = here.children.get(name) if here is not None else None
        return here


def _schema(pack: Pack) -> _Tree:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        read_schema(pack.schema)
        root = etree.parse(str(pack.schema), parser).getroot()
    except (OSError, etree.LxmlError) as error:
        raise PackError(f"{pack.form_folder}/schema.xsd: không dùng được / not usable: {error}") from error
    named = {(one.tag, one.get("name")): one for one in root if one.get("name")}

    def collect(node: etree._Element, into: _Tree, active: tuple[str, ...]) -> None:
        for child in node:
            if child.tag == f"{_XS}element":
                name = child.get("name") or str(child.get("ref")).rpartition(":")[2]
                target = into.children.setdefault(name, _Tree({}))
                source = child if child.get("name") else named.get((f"{_XS}element", name))
                if source is None or name in active:
                    continue
                kind = str(source.get("type") or "").rpartition(":")[2]
                typed = named.get((f"{_XS}complexType", kind))
                collect(source, target, (*active, name))
                if typed is not None:
                    collect(typed, target, (*active, name))
            elif child.tag == f"{_XS}attribute":
                into.children["@" + str(child.get("name"))] = _Tree({})
            elif child.tag == f"{_XS}group" and child.get("ref"):
                group = named.get((f"{_XS}group", str(child.get("ref")).rpartition(":")[2]))
                if group is not None:
                    collect(group, into, active)
            elif child.tag == f"{_XS}extension":
                base = named.get((f"{_XS}complexType", str(child.get("base")).rpartition(":")[2]))
                if base is not None:
                    collect(base, into, active)
                collect(child, into, active)
            elif child.tag == f"{_XS}any":
                into.open = True
            elif isinstance(child.tag, str):
                collect(child, into, active)

    whole = _Tree({})
    for element in root.findall(f"{_XS}element"):
        wrapper = etree.Element("wrapper")
        wrapper.append(etree.fromstring(etree.tostring(element, with_tail=False), parser))
        collect(wrapper, whole, ())
    return whole


def _binding(pack: Pack) -> Iterator[LintProblem]:
    yield from _bound(pack)
    try:
        statement = pack.revocation
    except PackError as error:
        yield _problem("revocation/", "-", str(error), str(error))
        return
    if statement is not None:
        yield from _bound(statement)


def _bound(pack: Pack) -> Iterator[LintProblem]:
    file = f"{pack.form_folder}/binding.yaml"
    binding = pack.binding
    try:
        schema = _schema(pack)
    except PackError as error:
        yield _problem(f"{pack.form_folder}/schema.xsd", "-", str(error), str(error))
        return
    root = schema.at(binding.root)
    if root is None:
        yield _problem(file, "root", f"lược đồ không có {binding.root}", f"the schema has no {binding.root}")
        return
    for name, path in binding.anchors.items():
        target = root.at(path)
        if target is None:
            yield _problem(file, f"anchors.{name}", f"lược đồ không có {path}", f"the schema has no {path}")
        elif f"@{binding.id_attribute}" not in target.children:
            yield _problem(file, f"anchors.{name}", f"{path} không có thuộc tính Id", f"{path} has no Id attribute")
    for spelling in dict.fromkeys((binding.id_attribute, _SIGNATURE_ID)):
        if spelling not in binding.id_spellings:
            yield _problem(file, "id-spellings", f"thiếu {spelling}", f"{spelling} is missing")
    places: dict[str, _Tree] = {"": root}
    for name, path in sorted(binding.groups.items(), key=lambda pair: pair[0].count(".")):
        target = _group_base(binding.groups, places, name).at(path)
        if target is None:
            yield _problem(file, f"groups.{name}", f"lược đồ không có {path}", f"the schema has no {path}")
        else:
            places[name] = target
    for name, bound in binding.fields.items():
        if _group_base(binding.groups, places, name).at(bound.path) is None:
            yield _problem(file, f"fields.{name}", f"lược đồ không có {bound.path}", f"the schema has no {bound.path}")
    yield from _slots(pack, root)


def _group_base(groups: Mapping[str, str], places: Mapping[str, _Tree], name: str) -> _Tree:
    """The element a dotted name's path is relative to: that of the longest enclosing group."""
    parent = name
    while parent:
        parent = parent.rpartition(".")[0]
        for candidate in (parent, f"{parent}[]"):
            if parent and candidate in groups:
                return places.get(candidate, _Tree({}))
    return places[""]


def _slots(pack: Pack, root: _Tree) -> Iterator[LintProblem]:
    file = "signature.yaml" if pack.form_folder == "document" else f"{pack.form_folder}/signature.yaml"
    policy = pack.signature
    if root.at(policy.container) is None:
        yield _problem(
            file, "container", f"lược đồ không có {policy.container}", f"no {policy.container} in the schema"
        )
    earlier: list[str] = []
    for slot in policy.slots:
        target = root.at(f"{slot.path}/{policy.box}")
        if target is None:
            yield _problem(file, f"slots.{slot.name}", f"lược đồ không có {slot.path}", f"no {slot.path} in the schema")
        elif f"@{policy.role_attribute}" not in target.children:
            yield _problem(file, f"slots.{slot.name}", "thiếu thuộc tính vai trò", "the role attribute is missing")
        if slot.requirement not in pack.requirements:
            yield _problem(
                file,
                f"slots.{slot.name}",
                f"không có yêu cầu {slot.requirement}",
                f"unknown requirement {slot.requirement}",
            )
        for covered in slot.covers:
            prefix, _, other = covered.rpartition(":")
            known = other in earlier if prefix == "slot" else not prefix and other in pack.binding.anchors
            if not known:
                yield _problem(
                    file,
                    f"slots.{slot.name}.covers",
                    f"{covered} không phải neo hay ô ký trước đó",
                    f"{covered} is no anchor and no earlier slot",
                )
        earlier.append(slot.name)
    for uri, algorithm in policy.signatures.items():
        if (algorithm.key == "ec") != (algorithm.padding == "none"):
            yield _problem(file, f"signatures.{uri}", "kiểu khóa và phần đệm không khớp", "key and padding do not fit")
    for uri in sorted(set(policy.refused) & (set(policy.digests) | set(policy.signatures))):
        yield _problem(file, f"refused.{uri}", "vừa cho phép vừa từ chối", "both allowed and refused")
    for place, patterns in (("person", policy.identity.person), ("organisation", policy.identity.organisation)):
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error:
                yield _problem(file, f"identity.{place}", f"mẫu sai {pattern}", f"bad pattern {pattern}")


def _model(pack: Pack, model: type[Any]) -> Iterator[LintProblem]:
    """Whether every field of the bindings is one of the model's; a pack need not have them all."""
    known = set(model_fields(model))
    try:
        forms = [pack, pack.revocation]
    except PackError:
        forms = [pack]  # said by _binding
    for form in forms:
        for name in sorted(set(form.binding.fields) - known if form else ()):
            file = f"{form.form_folder}/binding.yaml" if form else ""
            yield _problem(file, f"fields.{name}", "mô hình không có trường này", "no such model field")


FORM_PARTS = ("title", "sections", "subjects", "levels", "history", "certificates", "signatures", "spellings")
FORM_SIGNATURES = {
    "title": ("vi", "en"),
    "columns": ("role", "certificate", "time", "state"),
    "states": ("good", "bad", "unknown"),
}
FORM_SPELLINGS = (
    "date", "dates", "months", "decimal", "results", "levels",
    "learning", "conduct", "semester1", "semester2", "year",
)  # fmt: skip


def _form(pack: Pack, fields: set[str]) -> Iterator[LintProblem]:
    """The form people read: every row shows a value of the model, every code list exists, nothing is left unworded."""
    file = "document/form.yaml"
    if not pack.form:
        return
    for part, given, wanted in (
        ("", pack.form, FORM_PARTS),
        ("spellings.", pack.form.get("spellings") or {}, FORM_SPELLINGS),
    ):
        for name in sorted(set(wanted) - set(given)):
            yield _problem(file, f"{part}{name}", "thiếu", "missing")
    signed = pack.form.get("signatures")
    for part, parts in {**FORM_SIGNATURES, "roles": tuple(one.name for one in pack.signature.slots)}.items():
        said = signed.get(part) if isinstance(signed, Mapping) else None
        for name in sorted(set(parts) - set(said or ())):
            yield _problem(file, f"signatures.{part}.{name}", "thiếu", "missing")
    for section in pack.form.get("sections") or ():
        for row in section.get("rows") or ():
            value, listed = str(row.get("value")), row.get("codes")
            if value not in fields:
                yield _problem(file, value, "mô hình không có trường này", "no such model field")
            if listed is not None and listed not in pack.codes:
                yield _problem(file, f"{value}.codes", f"không có danh mục {listed}", f"no such code list: {listed}")
            if not {"vi", "en"} <= set(row.get("label") or ()):
                yield _problem(file, f"{value}.label", "thiếu tiếng Việt hoặc tiếng Anh", "one language is missing")


def model_fields(kind: type[Any], prefix: str = "") -> Iterator[str]:
    """Dotted paths of a dataclass's values, as bindings write them (``subjects[].teachers[].name``)."""
    hints = get_type_hints(kind)
    for one in fields(kind):
        hint = hints[one.name]
        options = [arg for arg in get_args(hint) if arg is not type(None)]
        optional = get_origin(hint) in (Union, UnionType) and options
        inner = options[0] if optional else hint
        origin = get_origin(inner)
        if origin is tuple:
            item = get_args(inner)[0]
            if is_dataclass(item):
                yield from model_fields(item, f"{prefix}{one.name}[].")  # type: ignore[arg-type]  # a class here
        elif origin is not None and is_dataclass(origin):  # Value[...]
            yield prefix + one.name
        elif is_dataclass(inner):
            yield from model_fields(inner, f"{prefix}{one.name}.")  # type: ignore[arg-type]  # a class here


# --------------------------------------------------------------------------------------------------------- service


def _service(pack: Pack) -> Iterator[LintProblem]:
    try:
        descriptions = {"openapi.yaml": pack.service, "test-interface.yaml": pack.test_interface}
        messages = pack.messages
    except PackError as error:
        yield _problem("service/", "-", str(error), str(error))
        return
    for name, description in descriptions.items():
        file = f"service/{name}"
        if not str(description.get("openapi", "")).startswith("3.1"):
            yield _problem(file, "openapi", "không phải OpenAPI 3.1", "not OpenAPI 3.1")
        yield from _operations(file, description)
        yield from _references(file, description, description, "")
    yield from _messages(pack.service, messages)


def _operations(file: str, description: Mapping[str, Any]) -> Iterator[LintProblem]:
    seen: dict[str, str] = {}
    for path, item in description.get("paths", {}).items():
        for method, operation in item.items():
            if method not in _METHODS:
                continue
            place = f"{method.upper()} {path}"
            name = operation.get("operationId")
            if not name:
                yield _problem(file, place, "thiếu operationId", "operationId is missing")
            elif name in seen:
                yield _problem(
                    file, place, f"operationId {name} đã dùng ở {seen[name]}", f"{name} used at {seen[name]}"
                )
            else:
                seen[name] = place
            if not operation.get("responses"):
                yield _problem(file, place, "không có trả lời", "there are no responses")


def _references(file: str, whole: Mapping[str, Any], part: Any, place: str) -> Iterator[LintProblem]:
    if isinstance(part, Mapping):
        target = part.get("$ref")
        if isinstance(target, str) and _resolve(whole, target) is None:
            yield _problem(file, place, f"không có {target}", f"{target} does not exist")
        for key, value in part.items():
            yield from _references(file, whole, value, f"{place}/{key}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from _references(file, whole, value, f"{place}/{number}")


def _resolve(whole: Any, reference: str) -> Any:
    here = whole
    for name in reference.removeprefix("#/").split("/"):
        here = here.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(here, Mapping) else None
    return here


def _messages(service: Mapping[str, Any], messages: Mapping[str, Any]) -> Iterator[LintProblem]:
    """Every pointer, state, event and status of ``messages.yaml`` must be the service description's."""
    file = "service/messages.yaml"
    paths = service.get("paths", {})
    for name, path in messages.get("paths", {}).items():
        if not any(str(known) == path or str(known).startswith(f"{path}/") for known in paths):
            yield _problem(file, f"paths.{name}", f"dịch vụ không có {path}", f"the service has no {path}")
    properties, constants = _names(service)
    operations = {
        one.get("operationId") for item in paths.values() for one in item.values() if isinstance(one, Mapping)
    }
    for name, pointers in messages.items():
        if not isinstance(pointers, Mapping) or name in ("paths", "states", "events", "purposes", "errors"):
            continue
        if name == "batch" and "submit-batch" not in operations:
            continue  # the fields of an operation that a later revision describes
        for key, value in pointers.items():
            if isinstance(value, Mapping) and {"vi", "en"} <= set(value):
                yield from _wording(file, f"{name}.{key}", Text(vi=str(value["vi"]), en=str(value["en"])))
            elif isinstance(value, str) and value.startswith("/"):
                unknown = [step for step in value.strip("/").split("/") if step not in properties]
                if unknown:
                    yield _problem(file, f"{name}.{key}", f"mô tả không có {value}", f"{value} is not described")
    for name in ("states", "events", "purposes"):
        for key, value in messages.get(name, {}).items():
            if value not in constants:
                yield _problem(file, f"{name}.{key}", f"mô tả không có {value}", f"{value} is not described")
    codes: dict[str, str] = {}
    for key, error in messages.get("errors", {}).items():
        if not 400 <= int(error.get("status", 0)) <= 599:
            yield _problem(file, f"errors.{key}", "mã trạng thái không phải lỗi", "the status is not an error")
        other = codes.setdefault(str(error.get("code", "")), key)
        if other != key:
            yield _problem(file, f"errors.{key}", f"mã trùng với {other}", f"same code as {other}")


def _names(part: Any) -> tuple[set[str], set[str]]:
    """All property names and all enumerated constants of a description."""
    names: set[str] = set()
    constants: set[str] = set()
    stack = [part]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            names.update(here.get("properties", {}) if isinstance(here.get("properties"), Mapping) else ())
            if isinstance(here.get("enum"), list):
                constants.update(map(str, here["enum"]))
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)
    return names, constants


def _exchanges(pack: Pack) -> Iterator[LintProblem]:
    """Every requirement and operation that an exchange file names exists."""
    operations = {
        one.get("operationId")
        for item in pack.service.get("paths", {}).values()
        for one in item.values()
        if isinstance(one, Mapping)
    }
    for path in sorted(pack.path("exchanges").glob("*.yaml")):
        file = f"exchanges/{path.name}"
        data = read_yaml(path)
        if not isinstance(data, Mapping):
            yield _problem(file, "-", "không phải một bảng khóa", "not a mapping")
            continue
        for name in data.get("requirements", ()):
            if name not in pack.requirements:
                yield _problem(file, "requirements", f"không có yêu cầu {name}", f"unknown requirement {name}")
        for fault in data.get("faults", ()):
            operation = fault.get("operation") if isinstance(fault, Mapping) else None
            if operation and operation not in operations:
                yield _problem(file, "faults", f"không có thao tác {operation}", f"unknown operation {operation}")


_PARTS: tuple[Callable[[Pack], Iterator[LintProblem]], ...] = (
    _header,
    _requirements,
    _texts,
    _codes,
    _rules,
    _binding,
    _service,
    _exchanges,
)
