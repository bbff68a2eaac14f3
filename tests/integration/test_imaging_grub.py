"""What GRUB does on a PC that booted from the network: its disk, where no job can be had.

Virtual PCs whose network is QEMU's own: no privileges, and nothing outside of it.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.pcs import need_pcs

pytestmark = pytest.mark.imaging

PROJECT = Path(__file__).parents[2]
FIRMWARE = Path("/usr/share/OVMF")
MAC = "52:54:00:00:00:01"
NO_JOB = f"There is no job for this PC ({MAC})"
LOCAL = "LOCAL-DISK-REACHED"
SECONDS = 240
"""A virtual PC without KVM on a busy machine."""
KERNEL_MISSING = """\
if linux /agent/vmlinuz boot=ictops; then
  if initrd /agent/initrd.img; then
    boot
  fi
fi
"""


@pytest.fixture(autouse=True)
def _can_be_emulated() -> None:
    need_pcs()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What TFTP serves, as the role lays it out."""
    tree = tmp_path / "tftp"
    (tree / "grub" / "job").mkdir(parents=True)
    make = PROJECT / "ictops/imaging/linux/initramfs/bios"
    subprocess.run(["sh", make, tree / "grub.0"], check=True, capture_output=True)
    shutil.copy("/usr/lib/shim/shimx64.efi.signed", tree / "shimx64.efi")
    signed = "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"
    shutil.copy(signed, tree / "grubx64.efi")
    shutil.copy(PROJECT / "roles/imaging_server/files/grub.cfg", tree / "grub" / "grub.cfg")
    return tree


def uefi_disk(folder: Path) -> Path:
    """Make a disk whose loader says that it was reached."""
    (folder / "local.cfg").write_text(f"echo {LOCAL}\nsleep 60\nhalt\n")
    loader, system, disk = folder / "local.efi", folder / "system.img", folder / "disk.img"
    words = ["grub-mkstandalone", "-O", "x86_64-efi", "--locales=", "--fonts=", "--themes="]
    words += ["--modules=echo sleep halt", "-o", str(loader)]
    words += [f"boot/grub/grub.cfg={folder / 'local.cfg'}"]
    subprocess.run(words, check=True, capture_output=True)
    for path, size in ((system, 60), (disk, 64)):
        with path.open("wb") as file:
            file.truncate(size << 20)
    table = b"label: gpt\nstart=2048, size=122880, type=uefi\n"
    subprocess.run(["sfdisk", "-q", str(disk)], input=table, check=True)
    subprocess.run(["mkfs.vfat", "-F32", str(system)], check=True, capture_output=True)
    subprocess.run(["mmd", "-i", str(system), "::EFI", "::EFI/BOOT"], check=True)
    to = "::EFI/BOOT/BOOTX64.EFI"
    subprocess.run(["mcopy", "-i", str(system), str(loader), to], check=True)
    with disk.open("r+b") as file:
        file.seek(1 << 20)
        file.write(system.read_bytes())
    return disk


def bios_disk(folder: Path) -> Path:
    """Make a disk whose boot sector says on the serial port that it was reached."""
    code = bytearray.fromhex("fa 31c0 8ed8 be0000")  # cli; ax = ds = 0; si = the words
    code += bytes.fromhex("ac 84c0 7406 baf803 ee ebf5 f4 ebfd")  # out 3f8h until 0; then halt
    code[6:8] = (0x7C00 + len(code)).to_bytes(2, "little")
    sector = (bytes(code) + LOCAL.encode() + b"\r\n\0").ljust(510, b"\0") + b"\x55\xaa"
    disk = folder / "bios.img"
    disk.write_bytes(sector.ljust(1 << 20, b"\0"))
    return disk


@contextmanager
def virtual_pc(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a virtual PC; its serial port is its standard output."""
    common = [
        "qemu-system-x86_64",
        "-machine",
        "q35",
        "-accel",
        "tcg",
        "-cpu",
        "qemu64",
        "-m",
        "512",
    ]
    common += ["-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio"]
    common += ["-no-reboot", "-device", "virtio-rng-pci"]
    pc = subprocess.Popen(
        [*common, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield pc
    finally:
        pc.kill()
        pc.wait()


def said(pc: subprocess.Popen[bytes]) -> str:
    """Give what a PC says until it has reached its disk."""
    assert pc.stdout is not None
    heard = b""
    until = time.monotonic() + SECONDS
    while LOCAL.encode() not in heard and time.monotonic() < until:
        if select.select([pc.stdout], [], [], 1)[0]:
            more = os.read(pc.stdout.fileno(), 65536)
            if not more:
                break
            heard += more
    return re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", heard.decode(errors="replace"))


def network(tree: Path, file: str) -> list[str]:
    """Give the words for a network card that the PC boots from first."""
    card = f"virtio-net-pci,netdev=n,bootindex=1,mac={MAC}"
    words = ["-netdev", f"user,id=n,restrict=on,tftp={tree},bootfile={file}"]
    return [*words, "-device", card + ("" if file.endswith(".0") else ",romfile=")]


def disk_words(disk: Path, number: int = 2) -> list[str]:
    """Give the words for a disk."""
    words = ["-drive", f"if=none,id=d{number},format=raw,file={disk}"]
    return [*words, "-device", f"virtio-blk-pci,drive=d{number},bootindex={number}"]


@pytest.mark.parametrize("job", [None, os.urandom(2000)], ids=["no job", "a job that is damaged"])
def test_a_pc_with_uefi_boots_its_disk(tree: Path, tmp_path: Path, job: bytes | None) -> None:
    if job:
        (tree / "grub" / "job" / f"{MAC}.cfg").write_bytes(job)
    kept = tmp_path / "vars.fd"
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", kept)
    flash = "if=pflash,format=raw"
    words = ["-drive", f"{flash},readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.fd'}"]
    words += ["-drive", f"{flash},file={kept}", *disk_words(uefi_disk(tmp_path))]
    words += ["-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"]
    with virtual_pc(*words, *network(tree, "shimx64.efi")) as pc:
        heard = said(pc)
    assert NO_JOB in heard
    assert LOCAL in heard.split(NO_JOB)[1], heard[-2000:]
    assert "grub>" not in heard
    assert heard.count("BdsDxe: starting") == 1, "by GRUB, and not by the firmware in the end"


def test_a_pc_with_bios_boots_its_disk_where_the_agent_is_missing(
    tree: Path, tmp_path: Path
) -> None:
    (tree / "grub" / "job" / f"{MAC}.cfg").write_text(KERNEL_MISSING)
    blank, port = tmp_path / "blank.img", tmp_path / "port"
    blank.write_bytes(bytes(1 << 20))
    port.write_bytes((0x3F8).to_bytes(2, "little"))  # where SeaBIOS also writes what it shows
    words = ["-vga", "none", "-fw_cfg", f"name=etc/sercon-port,file={port}"]
    words += [*disk_words(blank, 2), *disk_words(bios_disk(tmp_path), 3)]
    with virtual_pc(*words, *network(tree, "grub.0")) as pc:
        heard = said(pc)
    assert NO_JOB in heard
    assert "invalid signature" in heard, "of the blank disk"
    assert LOCAL in heard, heard[-2000:]
    assert "grub>" not in heard
