"""``make bench``: prints, from one run, how ours compares with the floor and with other people's programs.

Ratios only: absolute times move with the machine and its other work, so every contender takes turns with ours, document
by document where that can be, and the least counts. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
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
    ours, alone = contenders.ours, contenders.our_signatures
    with tempfile.TemporaryDirectory() as folder:
        paths = files(data, Path(folder))
        anchors = Path(folder) / "anchors.pem"
        anchors.write_bytes(plan.anchors)
        few = data[: max(len(data) // 10, 1)]
        # document by document where that can be: the machine is not equally fast all the time
        rows: list[tuple[str, str, int, Callable[[], list[tuple[Pass, Pass]]]]] = [
            (BARE, "everything", len(data),
             lambda: [(ours([one], plan), contenders.bare([one], plan)) for one in data]),
            (CALLS, "everything", len(data),
             lambda: [(ours([one], plan), contenders.floor([one], plan)) for one in data]),
            ("script: xmlschema + signxml", "everything", len(few),
             lambda: [(ours([one], plan), contenders.script([one], anchors)) for one in few]),
            ("python-xmlsec", "signatures", len(data),
             lambda: [(alone([one], plan), contenders.python_xmlsec([one], plan)) for one in data]),
            ("xmlsec1, a process each", "signatures", len(few),
             lambda: [(alone(few, plan), contenders.xmlsec1(paths[: len(few)]))]),
            ("Santuario, one warm JVM", "signatures", len(data),
             lambda: [(alone(data, plan), contenders.santuario(paths))]),
        ]  # fmt: skip
        for name, what, number, make in rows:
            try:
                least, theirs = _least(make(), options.rounds)
            except Unavailable as reason:
                print(f"{name:52} {what:11} not measured: {reason}")
                continue
            each = f"ours {1000 * least / number:.2f} ms, it {1000 * theirs / number:.2f} ms a document"
            below = name in (BARE, CALLS)
            ratio = f"ours takes {least / theirs:.2f} ×" if below else f"takes {theirs / least:.1f} × ours"
            print(f"{name:52} {what:11} {ratio:20} ({each})")


def _least(pairs: Sequence[tuple[Pass, Pass]], rounds: int) -> tuple[float, float]:
    """Seconds of the fastest pass of each, added up: they take turns."""
    turns = [[(mine(), other()) for mine, other in pairs] for _ in range(rounds)]
    columns = list(zip(*turns, strict=True))
    return sum(min(mine for mine, _ in one) for one in columns), sum(min(other for _, other in one) for one in columns)


if __name__ == "__main__":
    main()
