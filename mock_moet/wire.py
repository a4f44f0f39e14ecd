"""Messages by the pack's data: fields by JSON pointer, bodies by its schemas, errors by key; no wire name is here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pybase64
from jsonschema import Draft202012Validator

from conformance.pack import Pack

MAX_DEPTH = 16
"""Nesting of a JSON body; the lawful ones need three."""
_HALVES = re.compile("[\ud800-\udfff]")
MAX_DIGITS = 18
"""Digits of a whole number in a JSON body."""


class BodyError(ValueError):
    """The body is not what it has to be; ``vi`` and ``en`` say why, without repeating the body."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"{vi} / {en}")
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers (lower-case names), body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, status: int, value: object, *headers: tuple[str, str], kind: str = "application/json") -> Reply:
        """An answer in JSON."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, (("content-type", kind), *headers))

    def with_headers(self, *headers: tuple[str, str]) -> Reply:
        """The same answer with more headers."""
        return Reply(self.status, self.body, (*self.headers, *headers))


class Refusal(Exception):  # an answer, not an accident
    """An answer of the service other than success: ``key`` names the error in the pack's messages."""

    def __init__(self, key: str, *, vi: str = "", en: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(key)
        self.key = key
        self.vi = vi
        self.en = en
        self.headers = headers


def parse_json(data: bytes) -> Any:
    """The JSON value of a body from a stranger.

    Raises:
        BodyError: not UTF-8, not JSON, a repeated key, NaN or infinity, too deep, or a number with too many digits.
    """
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_real
        )
    except BodyError:
        raise
    except UnicodeDecodeError as error:
        raise BodyError("nội dung không phải UTF-8", "the body is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BodyError("nội dung không phải JSON hợp lệ", "the body is not valid JSON") from error
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        for one in level:
            if isinstance(one, str):
                _storable(one)
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return value
    raise BodyError(f"JSON lồng quá {MAX_DEPTH} tầng", f"JSON nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BodyError("khóa JSON lặp lại", "a repeated JSON key")
    return found


def _storable(text: str) -> None:
    """What no database takes: NUL, and halves of characters."""
    if "\0" in text or (not text.isascii() and _HALVES.search(text)):
        raise BodyError("chuỗi có ký tự NUL hoặc nửa ký tự", "a text with NUL or half a character")


def _real(digits: str) -> float:
    if len(digits) > MAX_DIGITS * 2:
        raise BodyError("số có quá nhiều chữ số", "a number with too many digits")
    return float(digits)


def _constant(name: str) -> Any:
    raise BodyError(f"giá trị không thuộc JSON: {name}", f"not a JSON value: {name}")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise BodyError("số có quá nhiều chữ số", "a number with too many digits")
    return int(digits)


def parse_base64(text: str) -> bytes:
    """The bytes behind strict base64: no white space, right padding, canonical last character.

    Raises:
        BodyError: anything else.
    """
    try:
        data = pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise BodyError("nội dung không phải base64 chuẩn", "the content is not strict base64") from error
    # strict decoding leaves one liberty: the bits of the last character that carry nothing
    if len(text) % 4 or base64.b64encode(data[-(len(data) % 3 or 3) :]).decode("ascii") != text[-4:]:
        raise BodyError("nội dung không phải base64 chuẩn", "the content is not strict base64")
    return data


def pick(value: object, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) names in ``value``; ``None`` when there is nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def place(target: dict[str, Any], pointer: str, value: object) -> None:
    """Put ``value`` where a JSON pointer says, making objects on the way."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for name in way:
        target = target.setdefault(name, {})
    target[last] = value


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the pack's OpenAPI: method, path template, check of its JSON body, if it takes one."""

    name: str
    method: str
    path: str
    validator: Draft202012Validator | None
    success: int
    """Status of a good answer."""
    public: bool
    queries: Mapping[str, Draft202012Validator] = field(default_factory=dict)
    """Check of each text in its query."""


@dataclass(slots=True)
class Wire:
    """The pack's messages, made usable."""

    pack: Pack
    operations: Mapping[str, Operation] = field(init=False)
    messages: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.messages = self.pack.messages
        self.operations = {one.name: one for one in self._read()}

    def _read(self) -> list[Operation]:
        spec = self.pack.service
        found = []
        for path, methods in spec["paths"].items():
            for method, row in methods.items():
                if method not in ("get", "post", "put", "patch", "delete"):
                    continue
                schema = row.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                validator = None
                if schema is not None:
                    validator = Draft202012Validator({"allOf": [schema], "components": spec["components"]})
                success = min((int(code) for code in row["responses"] if code.startswith("2")), default=200)
                public = row.get("security") == []
                queries = {
                    one["name"]: Draft202012Validator({"allOf": [one["schema"]], "components": spec["components"]})
                    for one in row.get("parameters", ())
                    if one.get("in") == "query" and one["schema"].get("type", "string") == "string"
                }
                found.append(Operation(row["operationId"], method.upper(), path, validator, success, public, queries))
        return found

    def read(self, message: str, value: object) -> dict[str, Any]:
        """The fields of a message by the pack's keys."""
        return {key: pick(value, pointer) for key, pointer in self.messages[message].items()}

    def write(self, message: str, **values: object) -> dict[str, Any]:
        """A message from fields by key (underscores for hyphens); a field the message does not know is an error."""
        pointers = self.messages[message]
        made: dict[str, Any] = {}
        for key, value in values.items():
            place(made, pointers[key.replace("_", "-")], value)
        return made

    def body(self, operation: str, value: object, trouble: BodyError | None = None) -> Any:
        """The JSON body of a request, if it is valid against the operation's schema.

        Raises:
            Refusal: it could not be parsed (``trouble``), or is not valid; the text names the place.
        """
        if trouble is not None:
            raise Refusal("bad-request", vi=trouble.vi, en=trouble.en) from trouble
        validator = self.operations[operation].validator
        if validator is not None:
            wrong = next(iter(validator.iter_errors(value)), None)
            if wrong is not None:
                where = "/" + "/".join(str(part)[:60] for part in wrong.absolute_path)
                # never its message: it repeats the offending value, which may be large or personal
                rule = str(wrong.validator)
                raise Refusal("bad-request", vi=f"{where}: trái quy tắc {rule}", en=f"{where}: breaks the rule {rule}")
        return value

    def query(self, operation: str, asked: Mapping[str, str | None]) -> None:
        """Check query parameters against the operation's description.

        Raises:
            Refusal: one is not valid.
        """
        for name, validator in self.operations[operation].queries.items():
            value = asked.get(name)
            if value is not None and not validator.is_valid(value):
                raise Refusal("bad-request", vi=f"{name}: giá trị sai", en=f"{name}: wrong value")

    def problem(self, refusal: Refusal, trace: str) -> Reply:
        """A refusal as an answer."""
        status = self.messages["errors"][refusal.key]["status"]
        value = self.problem_of(refusal, trace)
        return Reply.json(status, value, *refusal.headers, kind="application/problem+json")

    def problem_of(self, refusal: Refusal, trace: str) -> dict[str, Any]:
        """A refusal as RFC 9457 problem details in both languages."""
        row = self.messages["errors"][refusal.key]
        return self.write(
            "problem",
            type=f"urn:hocba:error:{refusal.key}",
            title=row["vi"],
            status=row["status"],
            detail=refusal.vi or row["vi"],
            code=row["code"],
            requirement=row.get("requirement", ""),
            trace=trace,
            detail_en=refusal.en or row["en"],
        )

    def state(self, key: str) -> str:
        """The wire's word for a state."""
        word: str = self.messages["states"][key]
        return word

    def event(self, word: str) -> str:
        """The key of an event's word."""
        return self.key("events", word)

    def key(self, kind: str, word: str) -> str:
        """The key of a word among the pack's ``events``, ``states`` or ``purposes``."""
        words: dict[str, str] = self.messages[kind]
        return next(key for key, one in words.items() if one == word)
