"""``python -I -m conformance.suite.isolated …``: pytest with nobody else's settings and the exit codes of ``hocba``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

WRONG_USE, DEFECTIVE = 2, 4
PLUGINS = ("-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "conformance.plugin")
FOLDER = Path(__file__).resolve().parent


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
    begun = _Begun()
    own = [f"--rootdir={FOLDER}", f"--confcutdir={FOLDER}", "-c", str(FOLDER / "isolated.ini")]
    code = int(pytest.main([*PLUGINS, *arguments, *own], plugins=[begun]))
    if code and not begun.yes:
        return WRONG_USE if code == pytest.ExitCode.USAGE_ERROR else DEFECTIVE
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
