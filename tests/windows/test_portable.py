"""What Windows does not have is asked for behind a guard only: modules and names that only POSIX systems know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("conformance", "mock_moet", "mock_vendor", "reports", "docs")
MODULES = {
    "crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd", "readline", "resource", "spwd", "syslog",
    "termios", "tty",
}  # fmt: skip
NAMES = {
    "os": {
        "WNOHANG", "chown", "chroot", "fork", "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid",
        "getuid", "initgroups", "killpg", "lchown", "mkfifo", "mknod", "nice", "posix_spawn", "sched_getaffinity",
        "setgid", "setpgid", "setsid", "setuid", "sysconf", "uname", "wait3", "wait4", "waitid",
    },
    "signal": {
        "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "alarm",
        "pthread_kill", "pthread_sigmask", "setitimer", "sigwait",
    },
    "select": {"epoll", "kqueue", "poll"},
    "socket": {"AF_UNIX", "SO_REUSEPORT", "socketpair_unix"},
    "time": {"tzset"},
    "asyncio": {"add_signal_handler"},
}  # fmt: skip
ANY = {name for names in NAMES.values() for name in names}
GUARDS = ("os.name", "sys.platform", "platform.system", "hasattr")


def sources() -> list[Path]:
    return [path for folder in SHIPPED for path in sorted((ROOT / folder).rglob("*.py"))]


def unguarded(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that only POSIX has and that nothing stands before."""

    def visit(node: ast.AST, guarded: bool) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.Try):
            caught = {one for handler in node.handlers for one in ast.unparse(handler.type or node).split(", ")}
            inside = guarded or any(
                name.strip("()") in ("ImportError", "AttributeError", "Exception") for name in caught
            )
            for statement in node.body:
                yield from visit(statement, inside)
            for other in (*node.handlers, *node.orelse, *node.finalbody):
                yield from visit(other, guarded)
            return
        if isinstance(node, ast.With) and any("AttributeError" in ast.unparse(one.context_expr) for one in node.items):
            guarded = True
        if isinstance(node, ast.If | ast.IfExp) and any(word in ast.unparse(node.test) for word in GUARDS):
            for child in ast.iter_child_nodes(node):
                yield from visit(child, True)
            return
        if not guarded:
            yield from ((node.lineno, name) for name in named(node))  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            yield from visit(child, guarded)

    def named(node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [one.name for one in node.names if one.name.partition(".")[0] in MODULES]
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in MODULES:
                return [node.module]
            return [f"{node.module}.{one.name}" for one in node.names if one.name in NAMES.get(node.module, ())]
        if isinstance(node, ast.Attribute) and node.attr in ANY:
            owner = ast.unparse(node.value)
            if node.attr in NAMES.get(owner, ()) or node.attr == "add_signal_handler":
                return [f"{owner}.{node.attr}"]
        return []

    yield from visit(tree, False)


def test_nothing_that_only_posix_has_is_used_without_a_guard() -> None:
    found = []
    suspicious = re.compile(rf"\b(?:{'|'.join(sorted(MODULES | ANY))})\b")
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if not suspicious.search(text):
            continue
        tree = ast.parse(text, str(path))
        found += [f"{path.relative_to(ROOT)}:{line}: {name}" for line, name in unguarded(tree)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import resource", ["resource"]),
        ("from fcntl import flock", ["fcntl"]),
        ("def f():\n    import pwd", ["pwd"]),
        ("import os\nos.killpg(1, 9)", ["os.killpg"]),
        ("from signal import SIGKILL", ["signal.SIGKILL"]),
        ("try:\n    import resource\nexcept ImportError:\n    resource = None", []),
        ("import os\nif os.name != 'nt':\n    os.killpg(1, 9)", []),
        ("import os\nx = os.getuid() if hasattr(os, 'getuid') else 0", []),
        ("import os\nwith suppress(OSError, AttributeError):\n    os.nice(5)", []),
        ("import os\nwith suppress(OSError):\n    os.nice(5)", ["os.nice"]),
        ("import os\nos.kill(1, 9)", []),
    ],
)
def test_the_check_sees_what_it_is_there_for(source: str, seen: list[str]) -> None:
    assert [name for _, name in unguarded(ast.parse(source))] == seen


def test_text_files_are_opened_with_their_encoding() -> None:
    """Elsewhere than on Linux the default is the machine's code page."""
    found = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if not re.search(r"\b(?:read_text|write_text|open)\(", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            given = {one.arg for one in node.keywords}
            if node.func.attr in ("read_text", "write_text") and "encoding" not in given and len(node.args) < 2:
                positional = node.args and node.func.attr == "read_text"
                if not positional:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if node.func.attr == "open" and "encoding" not in given and ast.unparse(node.func.value) != "os":
                mode = ast.unparse(node.args[0]) if node.args else "'r'"
                if "b" not in mode and ast.unparse(node.func.value) in ("path", "file", "target", "part"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_what_is_written_as_text_has_the_same_line_ends_everywhere() -> None:
    """Digests are over bytes: a file written on Windows must not have other ones."""
    careless = []
    for path in sources():
        if path.is_relative_to(ROOT / "docs"):
            continue
        source = path.read_text(encoding="utf-8")
        if "write_text(" not in source and not re.search(r"open\(\s*\"[wax]", source):
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            first = node.args[0] if node.args else None
            mode = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            writes = node.func.attr == "write_text" or (node.func.attr == "open" and re.fullmatch("[wax]t?", mode))
            if writes and "newline" not in {one.arg for one in node.keywords}:
                careless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert careless == []
