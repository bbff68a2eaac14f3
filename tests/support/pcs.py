"""Rooms of virtual PCs for tests, and disks that they can boot."""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ictops.errors import LabError
from ictops.lab.machine import require_root
from ictops.lab.pcs.machine import DISK, assemble, require_pcs
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import make_network
from ictops.lab.pcs.power import serial
from ictops.lab.pcs.qmp import ask
from ictops.lab.pcs.room import remove

MIB = 1 << 20
MARKER = "THE LOCAL DISK HAS BOOTED"
_NUMBERS = itertools.count(1)

GRUB_MODULES = Path("/usr/lib/grub/i386-pc")
SIGNED = {
    "BOOTX64.EFI": Path("/usr/lib/shim/shimx64.efi.signed"),
    "grubx64.efi": Path("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"),
}


def need_pcs(*, root: bool = False) -> None:
    """Skip the test, saying what to install, where no virtual PC can be; but never in CI."""
    try:
        if root:
            require_root()
        require_pcs()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no virtual PCs on this machine: {error}")


@contextmanager
def room_of(folder: Path, network: str = "10.77.0.0/24") -> Iterator[Room]:
    """A room while this lasts; see :func:`need_pcs`."""
    need_pcs(root=True)
    room = Room(folder, IPv4Network(network))
    try:
        make_network(room)
        yield room
    finally:
        remove(room)


def a_pc(name: str = "pc", **more: object) -> Pc:
    """A PC that no other test has."""
    number = next(_NUMBERS)
    uuid = f"{secrets.token_hex(4)}-0000-4000-8000-{number:012x}"
    return Pc(name, f"52:54:00:77:00:{number:02x}", uuid, **more)  # type: ignore[arg-type]


def give_system(room: Room, pc: Pc) -> None:
    """Put the smallest of all systems on a PC's disk: it says so on the serial line, and waits."""
    assemble(room, pc)
    disk = room.of(pc) / DISK
    if pc.firmware == "bios":
        _give_boot_code(disk)
    else:
        _give_loader(disk)


def _give_boot_code(disk: Path) -> None:
    script, core = disk.with_name("early.cfg"), disk.with_name("core.img")
    script.write_text(f'serial\nterminal_output serial\necho "{MARKER}"\nsleep 600\n')
    modules = ("biosdisk", "serial", "terminal", "echo", "sleep")
    words = ("-O", "i386-pc", "-d", GRUB_MODULES, "-p", "/", "-c", script, "-o", core)
    subprocess.run(["grub-mkimage", *words, *modules], check=True, capture_output=True)
    with disk.open("r+b") as file:
        # The first sector loads the second one, which loads what follows, unless told otherwise.
        boot = bytearray((GRUB_MODULES / "boot.img").read_bytes())
        file.write(boot)
        file.write(core.read_bytes())


def _give_loader(disk: Path) -> None:
    start, size = MIB, 33 * MIB
    table = f"label: gpt\nstart={start // 512}, size={size // 512}, type=uefi\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
    volume = f"{disk}@@{start}"
    script = disk.with_name("grub.cfg")
    script.write_text(f'echo "{MARKER}"\nsleep 600\n')
    _mtools("mformat", "-i", volume, "-F", "-T", str(size // 512), "::")
    _mtools("mmd", "-i", volume, "::/EFI", "::/EFI/BOOT", "::/EFI/debian")
    for name, path in SIGNED.items():
        _mtools("mcopy", "-i", volume, str(path), f"::/EFI/BOOT/{name}")
    _mtools("mcopy", "-i", volume, str(script), "::/EFI/debian/grub.cfg")


def _mtools(*words: str) -> None:
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    subprocess.run(words, check=True, capture_output=True, env=environment)


def freeze(room: Room, pc: Pc) -> None:
    """Let no time go by for a PC; what it was at, it goes on with after :func:`thaw`."""
    ask(room.of(pc), "stop")


def thaw(room: Room, pc: Pc) -> None:
    """Undo :func:`freeze`."""
    ask(room.of(pc), "cont")


def wait_for(true: Callable[[], object], seconds: float, room: Room, pc: Pc) -> float:
    """Wait until something is so, and give how many seconds that took; else show the PC's words."""
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds} s:\n{serial(room, pc)[-3000:]}"
        time.sleep(0.2)
    return time.monotonic() - began
