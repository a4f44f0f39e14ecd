"""Time and memory of every hostile file, each in a process of its own: ``python -m tests.attacks.measure [NAME …]``.

Each is judged as ``hocba check`` does it, in a fork of a process that has only read the pack and judged one sound
document: what is printed is the price of the attack alone, and the peak memory of the whole process. The tests assert
causes and caps, never time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.attacks.hostile import HOSTILE
from tests.checks.test_signature_kills import Bench

SECONDS, MEGABYTES = 1.0, 200.0
_PARENT = """
import json, os, resource, sys, time
from datetime import datetime
from pathlib import Path
from conformance.checking import check_files
from conformance.pack import default_pack
folder = Path(sys.argv[1])
noon = datetime.fromisoformat("2026-06-15T12:00:00+07:00")

def judged(name):
    return check_files(default_pack(), [folder / name], trust=[folder / "ca.pem"], crls=[], leaders=None,
                       subject_map=None, judged_at=noon)

def child():
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    start = time.process_time()
    outcome = judged("hostile.xml")
    shown = len("\\n".join(outcome.lines("vi"))) + len(json.dumps(outcome.to_json("en")))
    took, one = time.process_time() - start, outcome.files[0]
    codes = sorted({f.code for f in one.findings if f.state == "violated" and not f.consequence_of})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([took, peak, shown, one.error, codes]), flush=True)

judged("sound.xml")
for line in sys.stdin:
    if not os.fork():
        try:
            child()
        finally:
            os._exit(0)
    if os.wait()[1]:
        print(json.dumps([60, 0, 0, "killed", []]), flush=True)
"""


def main(names: list[str]) -> int:
    """Measure; 1 when something took over a second or 200 MB, or was not refused for its cause."""
    bench = Bench()
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "sound.xml").write_bytes(bench.sound)
        (folder / "ca.pem").write_bytes(bench.pki.anchors_pem())
        with subprocess.Popen(
            [sys.executable, "-c", _PARENT, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdin is not None
            assert parent.stdout is not None
            for name, hostile in HOSTILE.items():
                if names and name not in names:
                    continue
                (folder / "hostile.xml").write_bytes(hostile.make(bench.sound))
                parent.stdin.write("\n")
                parent.stdin.flush()
                took, peak, shown, error, codes = json.loads(parent.stdout.readline())
                right = not error and (not hostile.causes or any(one in codes for one in hostile.causes))
                good = right and took < SECONDS and peak < MEGABYTES
                bad += not good
                said = error or ", ".join(codes)[:300]
                print(f"{' ' if good else '!'} {took:6.2f} s {peak:5.0f} MB {shown:7d} {name}: {said}", flush=True)
            parent.stdin.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
