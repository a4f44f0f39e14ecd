"""The terminal of a run: what is being tried, failures as they come, nothing of a vendor's that steers it."""

from __future__ import annotations

import re

import pytest

from conformance.suite.terminal import QUIET, WIDTH, Progress

HOSTILE = "a\x1b[31m\r\x07\u202eb\nc"


class Screen:
    """A terminal that keeps what was written."""

    hasmarkup = False

    def __init__(self) -> None:
        self.text = self.seen = ""

    def write(self, msg: str, *, flush: bool = False, **markup: bool) -> None:
        self.text += msg

    def line(self, s: str = "", **markup: bool) -> None:
        self.text += s + "\n"

    def flush(self) -> None:
        self.seen = self.text


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_screen_shows_what_is_being_tried_on_one_line(language: str) -> None:
    out, clock = Screen(), Clock()
    progress = Progress(out, language, screen=True, clock=clock)
    progress.begin(["hocba 0.1: http://127.0.0.1"], 105)
    clock.now = 61.0
    progress.trying("THCS:thcs-plain", "Ca cơ sở " + "dài " * 40)
    shown = out.text.split("\r\x1b[K")[-1]
    assert shown.startswith(
        {"vi": "[0/105] 0 không đạt, 1:01 THCS:thcs-plain", "en": "[0/105] 0 failed, 1:01"}[language]
    )
    assert len(shown) < WIDTH
    progress.finished("THCS:thcs-plain", "", "passed", "")
    progress.clear()
    assert out.text.endswith("\r\x1b[K")
    assert out.text.count("\n") == 1


def test_failures_stay_as_they_come_and_a_log_gets_a_line_now_and_then() -> None:
    out, clock = Screen(), Clock()
    progress = Progress(out, "en", screen=False, clock=clock)
    progress.begin([], 3)
    progress.finished("a", "One", "failed", "PL1-X-001.y: wrong\n→ pytest --item=a")
    clock.now = QUIET / 2
    progress.finished("b", "", "passed", "")
    assert out.text == "✗ a One\n    PL1-X-001.y: wrong\n    → pytest --item=a\n"
    clock.now = QUIET
    progress.finished("c", "", "skipped", "")
    assert out.text.endswith("[3/3] 1 failed, 0:30\n")
    assert "\x1b" not in out.text
    assert out.seen == out.text, "whoever reads a pipe sees it as well"


def test_a_cause_is_told_in_full_once() -> None:
    out = Screen()
    progress = Progress(out, "en", screen=False, clock=Clock())
    text = "PL1-X-001.y ×3: wrong\n→ pytest --item=a"
    progress.finished("a", "One", "failed", text)
    progress.finished("b", "Two", "failed", text.replace("×3", "×4"))
    progress.finished("c", "Three", "failed", f"{text}\nPL1-X-002.z: worse")
    first, *_, last = out.text.split("✗ ")[1:]
    assert "wrong\n    → pytest" in first
    assert "✗ b Two – PL1-X-001.y ×4\n✗ c" in out.text
    assert "worse" in last


@pytest.mark.parametrize("screen", [True, False])
def test_nothing_of_a_vendor_steers_the_terminal(screen: bool) -> None:
    out = Screen()
    progress = Progress(out, "vi", screen=screen, clock=Clock())
    progress.begin([HOSTILE], 1)
    progress.trying(HOSTILE, HOSTILE)
    progress.finished(HOSTILE, HOSTILE, "failed", HOSTILE)
    progress.clear()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", out.text.replace("\r\x1b[K", ""))
    assert "⟨U+001B⟩" in out.text
