"""Programs of other platforms: whether they are here, how they are built, how they are run.

A missing tool skips a test with its reason; where ``CI=true`` it fails, so that nothing is left out unnoticed.
Built once a source version under ``out/interop`` (shared by all test workers).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "out" / "interop"
_LONGEST = 300
"""Seconds a build or a program may take: a hanging one must not hang the suite."""
JAVA = Path("/usr/share/java")
GOPATH = Path("/usr/share/gocode")


@dataclass(frozen=True, slots=True)
class Tool:
    """Source folder, what must be on the machine, and the commands; ``{built}``: where the built program lies."""

    name: str
    source: str
    programs: tuple[str, ...]
    build: tuple[tuple[str, ...], ...] = ()
    files: tuple[Path, ...] = ()
    """Each may hold patterns."""
    sign: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def missing(self) -> str:
        """What is not on this machine; empty: all is there."""
        lacking = [one for one in self.programs if shutil.which(one) is None]
        lacking.extend(str(one) for one in self.files if not any(Path("/").glob(str(one)[1:])))
        return ", ".join(lacking)


_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A program of seconds gains nothing from compiling twice, nor from four threads that look for garbage."""
_JDK = ("javac", "-d", "{built}")
_PHP_DOM = Path("/usr/lib/php/*/dom.so")
_XMLSECLIBS = Path("/usr/local/share/php/xmlseclibs")
_PERL = tuple(
    Path("/usr/lib/*/perl5/*") / one for one in ("XML/LibXML.pm", "Crypt/OpenSSL/RSA.pm", "Crypt/OpenSSL/X509.pm")
)
_SANTUARIO = (JAVA / "xmlsec.jar", JAVA / "slf4j-api.jar", JAVA / "slf4j-nop.jar")
_SANTUARIO_PATH = os.pathsep.join(map(str, _SANTUARIO))

TOOLS = {
    one.name: one
    for one in (
        Tool(
            "java", "java", ("java", "javac"), ((*_JDK, "Signer.java", "Verifier.java"),),
            sign=("java", *_QUICK, "-cp", "{built}", "Signer"), verify=("java", *_QUICK, "-cp", "{built}", "Verifier"),
        ),
        Tool(
            "dotnet", "dotnet", ("mono", "mcs"),
            (("mcs", "-out:{built}/Interop.exe", "-r:System.Security.dll", "Interop.cs"),),
            sign=("mono", "{built}/Interop.exe", "sign"), verify=("mono", "{built}/Interop.exe", "verify"),
        ),
        Tool(
            "xml-crypto", "node", ("node", "npm"), (("npm", "ci", "--no-audit", "--no-fund", "--silent"),),
            sign=("node", "{built}/xml-crypto.js", "sign"), verify=("node", "{built}/xml-crypto.js", "verify"),
        ),
        Tool(
            "xadesjs", "node", ("node", "npm"), (("npm", "ci", "--no-audit", "--no-fund", "--silent"),),
            sign=("node", "{built}/xadesjs.js", "sign"), verify=("node", "{built}/xadesjs.js", "verify"),
        ),
        Tool(
            "xmlsec1", "xmlsec", ("xmlsec1", "openssl", "sh", "python3"),
            sign=("sh", "{built}/sign.sh"), verify=("sh", "{built}/verify.sh"),
        ),
        Tool(
            "go", "go", ("go",), (("go", "build", "-o", "{built}/interop", "interop.go"),),
            (GOPATH / "src/github.com/russellhaering/goxmldsig",),
            sign=("{built}/interop", "sign"), verify=("{built}/interop", "verify"),
            variables={"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""},
        ),
        Tool(
            "php", "php", ("php",), files=(_PHP_DOM,),
            sign=("php", "{built}/dom.php", "sign"), verify=("php", "{built}/dom.php", "verify"),
        ),
        Tool(
            "xmlseclibs", "php", ("php",), files=(_PHP_DOM, _XMLSECLIBS / "xmlseclibs.php"),
            sign=("php", "{built}/xmlseclibs.php", "sign"), verify=("php", "{built}/xmlseclibs.php", "verify"),
        ),
        Tool(
            "perl", "perl", ("perl",), files=_PERL,
            sign=("perl", "{built}/interop.pl", "sign"), verify=("perl", "{built}/interop.pl", "verify"),
        ),
        Tool(
            "santuario", "santuario", ("java", "javac"),
            ((*_JDK, "-cp", _SANTUARIO_PATH, "Oracle.java", "Signer.java"),), _SANTUARIO,
            sign=("java", *_QUICK, "-cp", f"{{built}}{os.pathsep}{_SANTUARIO_PATH}", "Signer"),
            verify=("java", *_QUICK, "-cp", f"{{built}}{os.pathsep}{_SANTUARIO_PATH}", "Oracle"),
        ),
        Tool("signxml", "python", (), sign=(sys.executable, "{built}/with_signxml.py", "sign")),
    )
}  # fmt: skip


def lacking(reason: str) -> None:
    """Skip for ``reason``, or fail where everything must be there."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}; CI=true: tests/debian-packages.sh")
    pytest.skip(f"{reason} (tests/debian-packages.sh)")


def run(
    command: Sequence[str], *, folder: Path | None = None, given: str = "", variables: Mapping[str, str] | None = None
) -> str:
    """Run to the end and return what was written; a failing program fails the test with its own words."""
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, encoding="utf-8", timeout=_LONGEST,
        env={**os.environ, **(variables or {})}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}{done.stdout[-500:]}"
    return done.stdout


def _stamp(source: Path) -> str:
    """Digest of the sources: another version is another folder."""
    total = hashlib.sha256()
    for path in sorted(one for one in source.iterdir() if one.is_file()):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def ready(name: str) -> Tool:
    """The tool, built; skips or fails where it cannot be had."""
    tool = TOOLS[name]
    if absent := tool.missing():
        lacking(f"{name}: {absent}")
    built_in(tool)
    return tool


def built_in(tool: Tool) -> Path:
    """The folder with the built program; building happens once, whoever comes first."""
    source = HERE / tool.source
    folder = BUILT / f"{tool.source}-{_stamp(source)}"
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / f"{tool.source}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".built"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            cache = {"GOCACHE": str(BUILT / "go-cache")}
            for command in tool.build:
                words = [word.format(built=folder) for word in command]
                run(words, folder=folder, variables={**cache, **tool.variables})
            done.touch()
    return folder


def command_of(tool: Tool, words: Sequence[str]) -> list[str]:
    """The words of a command with the built program's folder."""
    folder = built_in(tool)
    return [word.format(built=folder) for word in words]


def sign(tool: Tool, style: str, unsigned: Path, plan: Path, signed: Path) -> None:
    """Let the platform sign a document by a plan."""
    run([*command_of(tool, tool.sign), style, str(unsigned), str(plan), str(signed)])


def verify(tool: Tool, files: Sequence[Path]) -> dict[Path, dict[str, str]]:
    """What the platform says of each signature: file → ``Id`` → ``ok`` or ``bad`` with the reason."""
    names = [str(one) for one in files]
    words = command_of(tool, tool.verify)
    # the oracle stays warm over many files, which come one a line
    stream = tool.name == "santuario"
    written = run(words if stream else [*words, *names], given="\n".join(names) + "\n" if stream else "")
    said: dict[Path, dict[str, str]] = {one: {} for one in files}
    for line in written.splitlines():
        file, identifier, verdict = line.split("\t", 2)
        if verdict != "end":
            said[Path(file)][identifier] = verdict.replace("\t", ": ")
    return said
