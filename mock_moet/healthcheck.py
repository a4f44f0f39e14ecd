"""``python -m mock_moet.healthcheck URL``: whether a service answers at its control interface; for container engines.

The token comes from ``HOCBA_CONTROL_TOKEN``. Exit code 0: it answers; 1: it does not, or refuses the token.
"""

from __future__ import annotations

import os
import sys

import httpx


def main(arguments: list[str] | None = None) -> int:
    """Ask once; the exit code."""
    url, *_ = [*(sys.argv[1:] if arguments is None else arguments), "http://127.0.0.1:8116"]
    headers = {"Authorization": f"Bearer {os.environ.get('HOCBA_CONTROL_TOKEN', '')}"}
    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", headers=headers, timeout=4, trust_env=False)
    except httpx.HTTPError as error:
        sys.stderr.write(f"không trả lời / no answer: {error}\n")
        return 1
    if answer.status_code != 200:
        sys.stderr.write(f"HTTP {answer.status_code}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
