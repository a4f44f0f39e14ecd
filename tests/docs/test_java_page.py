"""The page for Java: its code is a class that a compiler takes, with the framework's names declared as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.tools import lacking

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "java.md").read_text(encoding="utf-8")
WEB = "org.springframework.web.bind.annotation"
MARKS = ("RestController", "ModelAttribute", "RequestBody")
"""Annotations without parameters; those with parameters follow, as Spring 6 and Jackson 2 declare them."""
DECLARED = {
    **{f"{WEB}.{name}": f"public @interface {name} {{}}" for name in MARKS},
    **{
        f"{WEB}.{name}": (
            f"public @interface {name} {{ String[] value() default {{}}; String[] produces() default {{}}; }}"
        )
        for name in ("RequestMapping", "GetMapping", "PutMapping", "PostMapping")
    },
    f"{WEB}.PathVariable": 'public @interface PathVariable { String value() default ""; }',
    f"{WEB}.RequestHeader": (
        'public @interface RequestHeader { String name() default ""; boolean required() default true; }'
    ),
    f"{WEB}.ExceptionHandler": (
        "public @interface ExceptionHandler { Class<? extends Throwable>[] value() default {}; }"
    ),
    f"{WEB}.ResponseStatus": "public @interface ResponseStatus { org.springframework.http.HttpStatus value(); }",
    "org.springframework.http.HttpStatus": "public enum HttpStatus { OK, CREATED }",
    "org.springframework.http.ResponseEntity": (
        "public class ResponseEntity<T> { public interface BodyBuilder { <T> ResponseEntity<T> body(T body); } "
        "public static BodyBuilder status(int status) { return null; } }"
    ),
    "org.springframework.context.annotation.Profile": "public @interface Profile { String[] value(); }",
    "org.springframework.beans.factory.annotation.Value": "public @interface Value { String value(); }",
    "com.fasterxml.jackson.annotation.JsonInclude": (
        "public @interface JsonInclude { enum Include { ALWAYS, NON_NULL } Include value() default Include.ALWAYS; }"
    ),
    "com.fasterxml.jackson.databind.JsonNode": (
        "public abstract class JsonNode { public abstract JsonNode path(String name); }"
    ),
}
DESK = """
import com.fasterxml.jackson.databind.JsonNode;
interface Desk {
  java.util.Map<String, Object> describe(); void begin(JsonNode session); void enrol(JsonNode roster);
  String create(JsonNode one); void sign(String id, JsonNode signatures); void issue(String id);
  byte[] document(String id);
}
"""
"""What the page leaves to the vendor."""


def test_the_code_of_the_page_compiles(tmp_path: Path) -> None:
    javac = shutil.which("javac")
    if javac is None:
        lacking("Java compiler")
    assert javac is not None
    (code,) = re.findall(r"```java\n(.*?)```", PAGE, re.DOTALL)
    files = {tmp_path / "Desk.java": DESK}
    for name, text in DECLARED.items():
        package, _, short = name.rpartition(".")
        files[tmp_path.joinpath(*package.split("."), f"{short}.java")] = f"package {package};\n{text}\n"
    imports = "".join(f"import {name};\n" for name in DECLARED)
    files[tmp_path / "TestInterface.java"] = f"import java.util.*;\n{imports}{code}"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [
        javac,
        "-encoding",
        "UTF-8",
        "-proc:none",
        "-Xlint:-options",
        "-d",
        str(tmp_path / "out"),
        *map(str, files),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").glob("TestInterface*.class"))


@pytest.mark.parametrize("call", ["/session", "/roster", "/transcripts", "/signatures", "/issue", "/document"])
def test_the_six_calls_to_begin_with_are_on_it(call: str) -> None:
    assert f'{call}"' in PAGE
