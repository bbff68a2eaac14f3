"""What a room costs its boot server: ``python -m benchmarks.multicast [--pcs N] [--json]``.

A boot server's multicast and 30 PCs, each in a network namespace of its own on one switch; all
PCs get one image, and what the server's interface has sent is counted. Then one PC of four stops
in the middle (SIGSTOP): how much longer the three take than usually is what they had to wait.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.report import Report, Target, finish
from tests.support.room import Image, Talk, make_image, need_room, room
from tests.support.room import finish as all_have_it

PCS = 30
PACKS = 6
PACK_PIECES = 32
PIECE = 512 * 1024
BITS = 200_000_000
"""A second: 30 PCs on two cores do no more; what is lost for want of a core is no network's."""
TIMES_IMAGE = 1.3
HELD_UP = 10.0
"""Seconds."""
T = TypeVar("T")
_SENT = re.compile(r"sent \w+ to (\d+) PCs of \w+ in ([\d.]+) s")


def room_gets_image(pcs: int, folder: Path) -> tuple[float, float, str]:
    """Give the seconds, the bytes sent as times the image, and the sessions in words."""
    image = make_image(folder, PACKS, PACK_PIECES, PIECE)
    size = len(image.whole)
    with room(pcs) as one:
        server = one.serve(image.folder, bits=BITS)
        before, begun = one.sent_bytes(), time.perf_counter()
        ends = all_have_it([one.image(n, image, members=pcs) for n in range(pcs)])
        took, sent = time.perf_counter() - begun, one.sent_bytes() - before
        for number in range(pcs):
            if one.target(number).read_bytes() != image.whole:
                raise RuntimeError(f"PC {number} has something else")
    alone = sum(end["unicast"] for end in ends)
    times = ", ".join(f"{to} PCs {seconds:.1f} s" for to, seconds in sessions(server))
    return took, sent / size, f"sessions: {times}; by unicast {alone} bytes"


def three_take(folder: Path, *, stop: bool) -> float:
    """Give the seconds that three PCs take, whose fourth may stop in the first session."""
    image: Image = make_image(folder, 4, PACK_PIECES // 2, PIECE)
    with room(4) as one:
        one.serve(image.folder, bits=BITS // 4)
        pcs = [one.image(n, image, members=4) for n in range(4)]
        pcs[3].wait_for(lambda said: "piece" in said)
        begun = time.perf_counter()
        if stop:
            pcs[3].signal(signal.SIGSTOP)
        all_have_it(pcs[:3])
        return time.perf_counter() - begun


def sessions(server: Talk) -> list[tuple[int, float]]:
    """Give to how many PCs each session was sent, and the seconds it took."""
    found = [_SENT.match(line) for line in server.all_of("log")]
    return [(int(one[1]), float(one[2])) for one in found if one]


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pcs", type=int, default=PCS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    need_room()
    took, times, note = in_folder(lambda folder: room_gets_image(asked.pcs, folder))
    usual = in_folder(lambda folder: three_take(folder, stop=False))
    stopped = in_folder(lambda folder: three_take(folder, stop=True))
    targets = [
        Target("sent bytes, times one image", times, TIMES_IMAGE, at_least=False),
        Target("seconds that a stopped PC holds up the others", stopped - usual, HELD_UP,
               at_least=False),
    ]  # fmt: skip
    size = PACKS * PACK_PIECES * PIECE
    notes = [f"{asked.pcs} PCs, {PACKS} packs of {size // PACKS} bytes, {BITS} bit/s", note]
    seconds = {f"{asked.pcs} PCs": [took], "3 PCs": [usual], "3 PCs, a fourth stops": [stopped]}
    report = Report("multicast", seconds, targets, notes)
    return finish(report, ("ictops",), as_json=asked.json)


def in_folder(work: Callable[[Path], T]) -> T:
    """Do something in a folder that is taken away afterwards."""
    with tempfile.TemporaryDirectory(prefix="ictops-bench-") as name:
        return work(Path(name))


if __name__ == "__main__":
    sys.exit(main())
