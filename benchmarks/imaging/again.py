"""A PC that gets the next version of its image: what goes over the network, beside casync.

No virtual PC is needed: the agent's own code writes to a plain file. Both it and ``casync extract``
get the same disk as a seed, which is a PC's after its first imaging, and the same next version;
what their HTTP servers send is counted, with all that describes the image. casync writes a second
file, for it cannot write over its seed.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.imaging.files import Server, blank, server_of
from benchmarks.imaging.shop import MORE, NotMeasured, Shop
from ictops.imaging.published import Published
from tests.support.boot_server import Files

DISK = 2 * 2**30
"""Bytes of the PC's disk."""


@dataclass(frozen=True)
class Step:
    """One way from a version to the next. Bytes."""

    name: str
    agent: int
    casync: int
    stored: int
    """What a PC with nothing fetches."""


@dataclass(frozen=True)
class Again:
    """What imaging a PC again takes. Bytes."""

    steps: tuple[Step, ...]
    unchanged: int
    """Sent to a PC that has the image."""
    stored: int


def measure(shop: Shop, first: Published, folder: Path) -> Again:
    """Image a PC, then again with the same version, and with both kinds of the next one."""
    folder.mkdir()
    disk = blank(folder / "disk.img", DISK)
    with server_of(shop, folder / "server") as server:
        shop.say("imaging a PC, and once more")
        server.put(first, disk)
        unchanged = server.put(first, disk).sent
    steps = []
    for name, make in (("rebuilt", Shop.build), ("updated", None)):
        other = shop.copy(name)
        newer = make(other, "2", MORE) if make else other.update(first, "2", MORE)
        with server_of(other, folder / name) as server:
            steps.append(_step(name, server, newer, first, disk, folder))
    return Again(tuple(steps), unchanged, first.manifest.stored)


def _step(
    name: str, server: Server, newer: Published, first: Published, disk: Path, folder: Path
) -> Step:
    server.shop.say(f"imaging the PC with the image that was {name}")
    copy = folder / f"{name}.img"
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
    sent = server.put(newer, copy, seeds=(first,)).sent
    copy.unlink()
    server.shop.say("the same by casync")
    whole = folder / f"{name}.raw"
    server.shop.restore(newer, whole)
    return Step(name, sent, by_casync(whole, disk, folder / "casync"), newer.manifest.stored)


def by_casync(whole: Path, seed: Path, folder: Path) -> int:
    """Give the bytes that casync fetches to make a file of a seed and its store."""
    folder.mkdir(exist_ok=True)
    made, store, index = folder / "made", folder / "store", folder / "image.caibx"
    _casync("make", f"--store={store}", index, whole)
    files = Files(folder)
    files.start()
    try:
        _casync(
            "extract", f"--store={files.url}/store", f"--seed={seed}", f"{files.url}/{index.name}",
            made,
        )  # fmt: skip
    finally:
        files.stop()
    if not filecmp.cmp(made, whole, shallow=False):
        raise NotMeasured("casync has made something else")
    made.unlink()
    return files.sent_in_all


def _casync(*words: str | Path) -> None:
    if shutil.which("casync") is None:
        raise NotMeasured("this machine has no casync: make packages-bench")
    done = subprocess.run(
        ["casync", *words], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise NotMeasured(f"casync {words[0]} failed: {done.stderr.strip()}")
