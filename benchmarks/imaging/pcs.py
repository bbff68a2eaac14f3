"""A virtual PC that is imaged: how fast it writes, and how long it is until Ansible may log in.

The agent and its rival work on the same virtual PC, with an empty disk each time, in the same
network, and fetch from the same server: the agent the image's packs, the rival one stream of what
is used on the same disk. The agent's seconds are its own, by step: ``fetching`` is the write path,
to the end of its fsync; ``verifying`` reads all of it back, which the rival leaves out.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from benchmarks.imaging import rival
from benchmarks.imaging.shop import NotMeasured, Shop
from ictops.imaging.published import Published
from ictops.lab.machine import require_root
from ictops.lab.pcs.machine import DISK, require_pcs
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import make_network
from ictops.lab.pcs.power import power_off, power_on, serial
from ictops.lab.pcs.room import remove
from tests.support.first_stages import BootServer, boot_server
from tests.support.login import HOST, Login, job_for

NETWORK = IPv4Network("10.79.0.0/24")
PATIENCE = 1200.0
"""Seconds; emulated, on a machine that may have more to do."""
MIB = 2**20
Firmware = Literal["uefi", "bios"]


@dataclass
class Times:
    """Seconds, of each round."""

    written: list[float] = field(default_factory=list)
    """Of the agent's write path."""
    verified: list[float] = field(default_factory=list)
    """That and reading all of it back."""
    rival: list[float] = field(default_factory=list)
    link: list[float] = field(default_factory=list)
    """Of fetching what the rival writes, and throwing it away."""
    claim: list[float] = field(default_factory=list)
    """From power on."""
    end: list[float] = field(default_factory=list)
    login: list[float] = field(default_factory=list)
    fetched: int = 0
    """Bytes that the agent fetched."""
    stream: int = 0
    """Bytes that the rival fetched."""


@contextmanager
def _room(folder: Path) -> Iterator[Room]:
    require_root()
    require_pcs()
    made = Room(folder, NETWORK)
    try:
        make_network(made)
        yield made
    finally:
        remove(made)


def measure(
    shop: Shop, image: Published, folder: Path, *, rounds: int, firmware: Firmware
) -> Times:
    """Image a virtual PC in turn by the agent and by its rival; every second round in reverse."""
    folder.mkdir()
    whole, times = folder / "whole.img", Times()
    shop.restore(image, whole)
    used = folder / "used.img"
    shop.squeeze(image, whole, used)
    whole.unlink()
    stream = shop.imaging.store.folder / rival.STREAM
    rival.make_stream(used, stream)
    times.stream = stream.stat().st_size
    pc = Pc("pc", "52:54:00:79:00:01", str(uuid.uuid4()), firmware, cpus=2)
    with (
        _room(folder / "room") as room,
        boot_server(room, folder / "server", shop.imaging.path) as server,
    ):
        rival.make_archive(server.tftp / rival.ARCHIVE, folder)
        bench = _Bench(shop, room, server, pc, times)
        for number in range(rounds):
            for agent in (True, False) if number % 2 == 0 else (False, True):
                if agent:
                    bench.agent(image, folder)
                else:
                    bench.rival(image, folder, used)
                power_off(room, pc)
                shutil.rmtree(room.of(pc))
    stream.unlink()
    return times


@dataclass(frozen=True)
class _Bench:
    shop: Shop
    room: Room
    server: BootServer
    pc: Pc
    times: Times

    def agent(self, image: Published, folder: Path) -> None:
        """Image the PC, and log in to it."""
        server, times = self.server, self.times
        login = Login(self.room, server, folder)
        if not login.key.exists():
            words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", login.key)
            subprocess.run(words, check=True)
        job = job_for(self.pc, image.ref, login.key)
        server.arm(job)
        heard, began = len(server.asked()), time.time()
        power_on(self.room, self.pc)
        self._wait(lambda: server.look(job).state == "ended")
        said = server.asked()[heard:]
        found = server.look(job)
        if found.end is None or found.end.outcome != "done":
            raise NotMeasured(f"{HOST} was not imaged: {found.end and found.end.message}")
        self._wait(lambda: login.on(found.host_keys, "true") is not None)
        times.login.append(round(time.time() - began, 1))
        for path, into in (("/v1/claim", times.claim), ("/v1/end", times.end)):
            into.append(round(next(one["at"] for one in said if one["path"] == path) - began, 1))
        steps = found.end.steps
        times.fetched = found.end.fetched
        times.written.append(steps["fetching"])
        times.verified.append(round(steps["fetching"] + steps["verifying"], 3))
        took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())
        self.shop.say(
            f"agent: asks after {times.claim[-1]} s, has written after {times.end[-1]} s,"
            f" is logged in to after {times.login[-1]} s; by step: {took}"
        )

    def rival(self, image: Published, folder: Path, used: Path) -> None:
        """Let curl, zstd and dd write as many bytes."""
        # A job that nobody claims: without one, the PC would get nothing to boot.
        job = job_for(self.pc, image.ref, Login(self.room, self.server, folder).key)
        self.server.arm(job)
        config = self.server.tftp / "grub/grub.cfg"
        usual = config.read_text()
        url = f"http://{self.room.address}/{rival.STREAM}"
        config.write_text(rival.GRUB.format(mac=self.pc.mac, url=url, archive=rival.ARCHIVE))
        power_on(self.room, self.pc)
        self._wait(lambda: rival.OVER in serial(self.room, self.pc))
        config.write_text(usual)
        self.server.cancel(job)
        link, all_ = rival.seconds_of(serial(self.room, self.pc))
        self.times.link.append(link)
        self.times.rival.append(all_)
        power_off(self.room, self.pc)
        _compare(used, self.room.of(self.pc) / DISK)
        self.shop.say(f"curl, zstd and dd: {all_} s; curl alone {link} s")

    def _wait(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > until:
                raise NotMeasured(f"not within {PATIENCE:.0f} s: {self._words()}")
            time.sleep(0.2)

    def _words(self) -> str:
        return serial(self.room, self.pc)[-1000:]


def _compare(used: Path, disk: Path) -> None:
    """See that a disk begins with all that was to be written."""
    with used.open("rb") as one, disk.open("rb") as other:
        while data := one.read(MIB):
            if data != other.read(len(data)):
                raise NotMeasured("curl, zstd and dd have written something else")
