"""A virtual PC's QEMU: its command line, and what it keeps while it is off."""

from __future__ import annotations

import shutil
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.pcs.model import Kernel, Pc, Room

QEMU = "qemu-system-x86_64"
FIRMWARE = Path("/usr/share/OVMF")
CODE = FIRMWARE / "OVMF_CODE_4M.ms.fd"
VARIABLES = FIRMWARE / "OVMF_VARS_4M.ms.fd"
"""With Microsoft's keys enrolled, and Secure Boot on."""

PACKAGES = {QEMU: "qemu-system-x86", str(CODE): "ovmf", "ip": "iproute2"}
DISK, NVRAM, SERIAL, PID = "disk.img", "nvram.fd", "serial.log", "pid"


def require_pcs() -> None:
    """Check that this machine can run virtual PCs.

    :raises LabError: saying what to install.
    """
    missing = [
        package
        for tool, package in PACKAGES.items()
        if shutil.which(tool) is None and not Path(tool).is_file()
    ]
    if missing:
        raise LabError("virtual PCs need more packages", do=f"apt-get install {' '.join(missing)}")


def assemble(room: Room, pc: Pc) -> None:
    """Give a PC its disk and its firmware's memory, if it has none."""
    folder = room.of(pc)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = folder / DISK
    if not disk.exists():
        with disk.open("xb") as file:
            file.truncate(pc.disk)
    if pc.firmware == "uefi" and not (folder / NVRAM).exists():
        shutil.copyfile(VARIABLES, folder / NVRAM)


def command(room: Room, pc: Pc, kernel: Kernel | None = None) -> list[str]:
    """Give the command line that is a PC.

    It is emulated whole, for not every machine that rehearses has KVM; what a plain processor does
    not have costs no time (with QEMU's "max" a Debian needs some 15 % more to come up). The network
    comes before the disk, as in the firmware of a school's PC.

    :raises LabError: if Secure Boot would refuse ``kernel``: it knows only what shim vouches for.
    """
    folder = room.of(pc)
    return [
        *(QEMU, "-name", pc.name, "-nodefaults", "-display", "none", "-daemonize"),
        *("-pidfile", str(folder / PID)),
        *_clock(pc),
        *("-cpu", "qemu64", "-smp", str(pc.cpus), "-m", str(pc.memory)),
        *("-uuid", pc.uuid),
        *_firmware(folder, pc),
        *_starts(pc, kernel),
        *("-netdev", f"tap,id=net,ifname={pc.name},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=net,id=card,mac={pc.mac},bootindex=1{_rom(pc)}"),
        *(
            "-drive",
            f"if=none,id=disk,format=raw,discard=unmap,cache=unsafe,file={_escaped(folder / DISK)}",
        ),
        *("-device", f"{pc.disk_device},drive=disk,serial={pc.disk_serial},bootindex=2"),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"file,id=serial,append=on,path={_escaped(folder / SERIAL)}"),
        *("-serial", "chardev:serial"),
        *("-qmp", "unix:qmp,server=on,wait=off"),
    ]


def _clock(pc: Pc) -> list[str]:
    if not pc.hurried:
        return ["-accel", "tcg,thread=multi"]
    # An instruction takes 2^7 ns of the PC's time.
    return ["-accel", "tcg,thread=single", "-icount", "shift=7"]


def _firmware(folder: Path, pc: Pc) -> list[str]:
    if pc.firmware == "bios":
        return ["-machine", "q35"]
    return [
        *("-machine", "q35,smm=on"),
        *("-global", "driver=cfi.pflash01,property=secure,value=on"),
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={_escaped(folder / NVRAM)}"),
        # Else the firmware waits for an IPv6 server first.
        *("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"),
    ]


def _starts(pc: Pc, kernel: Kernel | None) -> list[str]:
    if kernel is None:
        return []
    if pc.firmware == "uefi":
        raise LabError("only a PC with a BIOS starts a kernel at once", where=pc.name)
    words = ("-kernel", str(kernel.image), "-initrd", str(kernel.initramfs))
    return [*words, "-append", kernel.arguments]


def _rom(pc: Pc) -> str:
    """UEFI has a driver of its own; a BIOS PC boots by the one in the card."""
    return ",romfile=" if pc.firmware == "uefi" else ""


def _escaped(path: Path) -> str:
    """Write a path as QEMU's options have it."""
    return str(path).replace(",", ",,")
