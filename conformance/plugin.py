"""The pytest face: ``pytest --target=URL`` runs the installed suite in any directory.

Thin on purpose: it is loaded in every pytest run of an environment, so nothing heavy is imported before ``--target`` is
given. With a target, foreign ``conftest.py`` files are not loaded, the arguments are replaced by the suite, and the
exit code is the verdict's: computed from the manifest, not from what pytest ran.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from typing import Any

import pytest

from conformance.options import OPTIONS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each also with a ``--hocba-`` prefix, since some short names belong to other plugins.

    What was not given is ``None``: the configuration file's setting then counts, and only then the default.
    """
    group = parser.getgroup("hocba", "học bạ số: kiểm thử tuân thủ / conformance (--target)")
    for name, settings in OPTIONS:
        keywords = {"dest": "hocba_" + name.replace("-", "_"), **settings, "default": None}
        try:
            group.addoption(f"--{name}", f"--hocba-{name}", **keywords)
        except (ValueError, argparse.ArgumentError):
            group.addoption(f"--hocba-{name}", **keywords)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A certification run loads nobody's conftest: what it may drop or change is none of the vendor's business."""
    if getattr(early_config.known_args_namespace, "hocba_target", None) is None:
        return (yield)
    early_config.known_args_namespace.noconftest = True
    _leave_out_foreign(early_config)
    import conformance.suite.running  # noqa: F401  # before anybody else can put a module of that name in its place

    result = yield
    _leave_out_foreign(early_config)
    return result


def _leave_out_foreign(config: pytest.Config) -> None:
    """Import nothing of ours from a foreign ``pythonpath`` setting that may hold a reports.py or yaml.py of its own."""
    foreign = {str(path) for path in config.getini("pythonpath")}
    sys.path[:] = [one for one in sys.path if one not in foreign]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """The last word on the exit code: whatever ended pytest (``--help``, another plugin), no verdict is no success."""
    code = yield
    if config.getoption("hocba_target", None) is None or hasattr(config, "workerinput"):
        return code
    from conformance.suite.running import last_word

    return last_word(config, code)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """With ``--target``, hand over to the run."""
    if config.getoption("hocba_target", None) is not None:  # empty is wrong use, not "no target"
        from conformance.suite.running import take_over

        take_over(config)
