"""``python -I -m conformance.suite.isolated …``: pytest with nobody else's settings and the exit codes of ``hocba``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

WRONG_USE, NOT_COMPLETED, DEFECTIVE = 2, 3, 4
PLUGINS = ("-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "conformance.plugin")
FOLDER = Path(__file__).resolve().parent

_EARLY = {int(pytest.ExitCode.USAGE_ERROR): WRONG_USE, int(pytest.ExitCode.INTERRUPTED): NOT_COMPLETED}
"""What pytest's exit codes mean before it took its arguments."""


class _Begun:
    """Knows whether pytest took its arguments: before that, its exit codes mean other things than ours."""

    __module__ = "conformance.suite.isolated"  # whatever it was started as
    yes = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self) -> None:
        """Reached when the command line made sense."""
        self.yes = True


def main(arguments: list[str]) -> int:
    """Run the suite; the exit code is the verdict's, 2 for arguments that pytest does not take."""
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # nobody else's plugins, in the processes of xdist neither
    # a CI server that ends us gets what was seen until then, as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = _Begun()
    own = [f"--rootdir={FOLDER}", f"--confcutdir={FOLDER}", "-c", str(FOLDER / "isolated.ini")]
    code = int(pytest.main([*PLUGINS, *arguments, *own], plugins=[begun]))
    if code and not begun.yes:
        return _EARLY.get(code, DEFECTIVE)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
