"""What imaging reaches, beside what others reach: ``python -m benchmarks.imaging [--json]``.

Wants root, a quarter of an hour, and 35 GB of room below TMPDIR; all that it makes is taken away
again. Multicast has a benchmark of its own.

:mod:`benchmarks.imaging.pcs` says how the write path is compared with curl, zstd and dd;
:mod:`benchmarks.imaging.again` how the next version of an image with casync; and
:mod:`benchmarks.imaging.unchanged` how a PC is looked through that has its image already.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.imaging import again, pcs, unchanged
from benchmarks.imaging.shop import MORE, NotMeasured, Shop, need_room
from benchmarks.report import Report, Target, finish, median
from ictops.errors import IctopsError

PARTS = ("pcs", "again", "unchanged")
SHARE = 0.9
"""Of what curl, zstd and dd reach."""
UNCHANGED_SHARE = 0.02
LOGIN_SECONDS = 90.0
CHECK_SECONDS = 90.0
CHECK_GIGABYTES = 30
GB = 10**9
WORK = 4 * GB
"""Bytes that all the rest needs."""


def pcs_targets(times: pcs.Times) -> list[Target]:
    """Give the targets of virtual PCs."""
    best = max(median(times.rival), median(times.link))
    return [
        Target("write path: share of curl, zstd and dd, or of the link where that is less",
               best / median(times.written), SHARE),
        Target("seconds from power on to the first login", median(times.login), LOGIN_SECONDS,
               at_least=False),
    ]  # fmt: skip


def again_targets(found: again.Again) -> list[Target]:
    """Give the targets of a PC that is imaged again."""
    beside = [
        Target(f"six more packages, {one.name}: bytes sent, share of casync's",
               one.agent / one.casync, 1.0, at_least=False)
        for one in found.steps
    ]  # fmt: skip
    share = found.unchanged / found.stored
    return [*beside, Target("unchanged: bytes sent, share of the image's", share, UNCHANGED_SHARE,
                            at_least=False)]  # fmt: skip


def unchanged_targets(found: unchanged.Unchanged) -> list[Target]:
    """Give the target of a PC that has its image; with less used, there is less time."""
    gigabytes = found.used / GB
    wanted = CHECK_SECONDS * min(gigabytes / CHECK_GIGABYTES, 1.0)
    return [
        Target(f"unchanged: seconds of the whole job with {gigabytes:.1f} GB used",
               found.put.end.seconds, wanted, at_least=False),
    ]  # fmt: skip


def pcs_notes(times: pcs.Times, used: int) -> list[str]:
    """Say what the seconds were for."""
    wrote, link = used / 1e6 / median(times.written), times.stream / 1e6 / median(times.link)
    fetched, stream = times.fetched / 1e6, times.stream / 1e6
    text = f"virtual PC: {used / 1e6:.0f} MB used, which the agent writes with {wrote:.0f} MB/s; "
    text += f"it fetches {fetched:.1f} MB; the other stream has {stream:.1f} MB, which curl alone "
    return [text + f"fetches with {link:.0f} MB/s"]


def again_notes(found: again.Again) -> list[str]:
    """Say how many bytes it were."""
    return [
        f"{one.name} with {', '.join(MORE)}: agent {one.agent / 1e6:.1f} MB"
        f" ({100 * one.agent / one.stored:.0f} % of {one.stored / 1e6:.1f} MB),"
        f" casync {one.casync / 1e6:.1f} MB"
        for one in found.steps
    ] + [f"unchanged: {found.unchanged / 1e6:.2f} MB of {found.stored / 1e6:.1f} MB"]


def unchanged_notes(found: unchanged.Unchanged) -> list[str]:
    """Say where the time went."""
    end = found.put.end
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in end.steps.items())
    rate = found.used / 1e6 / end.steps["looking"]
    sent = f"{found.put.sent / 1e6:.1f} MB sent"
    return [f"unchanged, {found.used / GB:.1f} GB used: {steps} ({rate:.0f} MB/s); {sent}"]


def measure(shop: Shop, asked: argparse.Namespace) -> Report:
    """Measure what was asked for."""
    folder, parts = shop.folder.parent, asked.only or PARTS
    room = asked.gigabytes * GB if "unchanged" in parts else 0
    need_room(folder, room + WORK)
    seconds: dict[str, list[float]] = {}
    targets: list[Target] = []
    notes = [f"load before: {os.getloadavg()[0]:.1f}"]
    if "pcs" in parts:
        shop.build_agent()
    image = shop.build("1")
    used = image.manifest.used
    if "pcs" in parts:
        times = pcs.measure(
            shop, image, folder / "pcs", rounds=asked.rounds, firmware=asked.firmware
        )
        seconds |= {
            "agent writes": times.written,
            "agent writes and reads back": times.verified,
            "curl, zstd and dd write": times.rival,
            "curl alone": times.link,
            "power on to the claim": times.claim,
            "power on to the end of the job": times.end,
            "power on to the first login": times.login,
        }
        targets += pcs_targets(times)
        notes += pcs_notes(times, used)
    if "again" in parts:
        found = again.measure(shop, image, folder / "again")
        targets += again_targets(found)
        notes += again_notes(found)
    if "unchanged" in parts:
        full = unchanged.measure(shop, image, asked.gigabytes * GB, folder / "unchanged")
        seconds["unchanged PC"] = [full.put.end.seconds]
        targets += unchanged_targets(full)
        notes += unchanged_notes(full)
    notes.append(f"load after: {os.getloadavg()[0]:.1f}; the virtual PCs are emulated")
    return Report("imaging", seconds, targets, notes)


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the virtual PC")
    parser.add_argument("--gigabytes", type=int, default=CHECK_GIGABYTES,
                        help="used on the PC that has its image")  # fmt: skip
    parser.add_argument("--firmware", choices=("uefi", "bios"), default="uefi")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s: {text}", file=sys.stderr, flush=True)

    # Else what was made would stay.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="ictops-bench-") as name:
        folder = Path(name).resolve() / "shop"
        folder.mkdir()
        try:
            report = measure(Shop(folder, say), asked)
        except (IctopsError, NotMeasured, subprocess.CalledProcessError) as error:
            said = error.stdout if isinstance(error, subprocess.CalledProcessError) else b""
            print(f"{error}\n{(said or b'').decode(errors='replace')}", file=sys.stderr)
            return 2
    return finish(report, ("ictops", "zstandard"), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
