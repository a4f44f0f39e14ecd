"""``make bench``: prints, from one run, how ours compares with the floor and with other people's programs.

Ratios only: absolute times move with the machine and its other work, so every contender takes turns with ours and the
least of its passes counts. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from tests.benchmarks import contenders
from tests.benchmarks.contenders import DS, Pass, Unavailable
from tests.benchmarks.documents import PACK, documents, files

BARE = "floor: parse, C14N, SHA-256, public keys, XSD"
CALLS = "floor: the calls into C alone, every part once"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    data, plan = documents(options.documents)
    signatures = [len(list(etree.fromstring(one).iter(f"{DS}Signature"))) for one in data]
    print(
        f"{len(data)} documents, {statistics.mean(map(len, data)) / 1024:.0f} KB and {statistics.mean(signatures):.1f} "
        f"signatures each, RSA-2048; {options.rounds} rounds in turns, the least counts; pack {PACK.name}"
    )
    ours, alone, bare, calls = (
        make(data, plan) for make in (contenders.ours, contenders.our_signatures, contenders.bare, contenders.floor)
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        paths = files(data, Path(folder))
        anchors = Path(folder) / "anchors.pem"
        anchors.write_bytes(plan.anchors)
        few = max(len(data) // 10, 1)
        rows: list[tuple[str, str, Callable[[], Pass], Pass, int]] = [
            (BARE, "everything", lambda: bare, ours, len(data)),
            (CALLS, "everything", lambda: calls, ours, len(data)),
            ("script: xmlschema + signxml", "everything", lambda: contenders.script(data[:few], anchors), ours, few),
            ("python-xmlsec", "signatures", lambda: contenders.python_xmlsec(data, plan), alone, len(data)),
            ("xmlsec1, a process each", "signatures", lambda: contenders.xmlsec1(paths[:few]), alone, few),
            ("Santuario, one warm JVM", "signatures", lambda: contenders.santuario(paths), alone, len(data)),
        ]
        for name, what, make, mine, number in rows:
            try:
                other = make()
                pairs = [(mine() / len(data), other() / number) for _ in range(options.rounds)]
            except Unavailable as reason:
                print(f"{name:52} {what:11} not measured: {reason}")
                continue
            least, theirs = min(one for one, _ in pairs), min(one for _, one in pairs)
            each = f"ours {1000 * least:.2f} ms, it {1000 * theirs:.2f} ms a document"
            below = name in (BARE, CALLS)
            ratio = f"ours takes {least / theirs:.2f} ×" if below else f"takes {theirs / least:.1f} × ours"
            print(f"{name:52} {what:11} {ratio:20} ({each})")


if __name__ == "__main__":
    main()
