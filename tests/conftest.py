"""For all tests: no example has a deadline, since what a loaded machine takes says nothing about the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
