"""Replay commands quoted for the two shells that vendors use. Secrets stand as ``${HOCBA_…}`` and stay variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_VARIABLE = re.compile(r"(\$\{HOCBA_[A-Z0-9_]+\})")
_PLAIN = re.compile(r"[A-Za-z0-9_./:=+-]+")
_SINGLE = re.compile("(['\u2018\u2019\u201a\u201b])")
_DOUBLE = re.compile('([`"$\u201c\u201d\u201e])')


def sh(arguments: Sequence[str]) -> str:
    """The command for a POSIX shell."""
    return " ".join(_sh(one) for one in arguments)


def powershell(arguments: Sequence[str]) -> str:
    """The command for PowerShell; typographic quotes count as quotes there."""
    words = [_powershell(one) for one in arguments]
    quoted_command = bool(words) and words[0][:1] in "'\""
    return " ".join(["&", *words] if quoted_command else words)


def _sh(argument: str) -> str:
    parts = [one for one in _VARIABLE.split(argument) if one]
    if not any(map(_VARIABLE.fullmatch, parts)):
        return shlex.quote(argument)
    return "".join(f'"{one}"' if _VARIABLE.fullmatch(one) else shlex.quote(one) for one in parts)


def _powershell(argument: str) -> str:
    parts = [one for one in _VARIABLE.split(argument) if one]
    if any(map(_VARIABLE.fullmatch, parts)):
        inside = "".join(
            f"${{env:{one[2:-1]}}}" if _VARIABLE.fullmatch(one) else _DOUBLE.sub(r"`\1", one) for one in parts
        )
        return f'"{inside}"'
    if _PLAIN.fullmatch(argument):
        return argument
    return "'" + _SINGLE.sub(r"\1\1", argument) + "'"
