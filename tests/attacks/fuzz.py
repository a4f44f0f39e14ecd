"""A long run of the damage that ``test_fuzz`` does in short: ``python -m tests.attacks.fuzz [SECONDS] [SEED]``.

Prints how many documents were made, changed and refused; ends with 1, and the document kept, at the first exception or
the first changed document that is not refused.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from tests.attacks.test_fuzz import damaged, meaning, rearranged, verdict
from tests.checks.test_signature_kills import Bench


def main(seconds: float, seed: int) -> int:
    """Fuzz for so long."""
    bench = Bench()
    sound = meaning(bench.sound)
    assert sound is not None
    end = time.monotonic() + seconds
    made = changed = bad = 0
    slowest = 0.0
    while time.monotonic() < end:
        way = (damaged, rearranged)[made % 2]
        data = way(bench.sound, random.Random(f"{seed} {made}"))  # no secret
        made += 1
        start = time.process_time()
        try:
            refused, same = verdict(bench, data, sound)
        except Exception:
            Path("fuzz-failure.xml").write_bytes(data)
            raise
        slowest = max(slowest, time.process_time() - start)
        changed += not same
        bad += refused
        if not (refused or same):
            Path("fuzz-failure.xml").write_bytes(data)
            print(f"{way.__name__} {seed} {made - 1}: changed and not refused")
            return 1
    print(
        f"{made} documents, {changed} changed what is signed, {bad} refused; slowest {slowest:.2f} s of processor time"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(float((sys.argv[1:] or ["60"])[0]), int((sys.argv[2:] or ["1"])[0])))
