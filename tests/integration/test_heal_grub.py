"""What GRUB does on a PC that keeps its agent: whose turn it is, and that nothing goes in circles.

The kernel is none, so that each turn ends at once; what comes after it is what counts. The PC's own
system is a boot code that says so on the serial port.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ictops.imaging.agent import table
from ictops.imaging.agent.area import Area, area_for, make_file_systems
from ictops.imaging.agent.bootpart import boot_code, get_environment, put_boot, set_environment
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.layout import EFI_SYSTEM
from ictops.imaging.wire.manifest import BootEntry, Index, Manifest, Partition
from tests.support.pcs import need_pcs

pytestmark = pytest.mark.imaging

PROJECT = Path(__file__).parents[2]
FIRMWARE = Path("/usr/share/OVMF")
SIGNED = {
    "shimx64.efi": Path("/usr/lib/shim/shimx64.efi.signed"),
    "grubx64.efi": Path("/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"),
}
MIB = 2**20
SAYS = (
    b"\xfa\xba\xf8\x03"
    + b"".join(b"\xb0" + bytes([one]) + b"\xee" for one in b"SYSTEM")
    + (b"\xf4\xeb\xfd")
)
"""cli; to port 3F8h each letter; hlt, again and again."""
SYSTEM, TURN = "SYSTEM", "This PC is being put back to its image."
SECONDS = 240
"""A virtual PC without KVM on a busy machine."""
MODULES = (
    *("normal", "configfile", "linux", "chain", "biosdisk", "part_gpt", "fat", "search"),
    *("search_fs_file", "search_label", "test", "true", "echo", "sleep", "loadenv", "regexp"),
    *("minicmd", "serial", "terminal"),
)
EARLY = """\
serial --unit=0
terminal_output serial
search.fs_label ICTOPSBOOT root
set prefix=($root)/grub
"""


@pytest.fixture(autouse=True)
def _can_be_emulated() -> None:
    need_pcs()


def manifest() -> Manifest:
    esp = Partition(
        1, "aaaaaaaa-0000-4000-8000-000000000001", EFI_SYSTEM, "EFI System", MIB, 40 * MIB,
        "vfat", "blocks",
    )  # fmt: skip
    return Manifest(
        1, "pc", "1", "2026-01-01T00:00:00+00:00", "linux", ("uefi", "bios"),
        "0f3a1c52-1111-4222-8333-944455556666", 200 * MIB, (esp,),
        BootEntry("pc", 1, "\\EFI\\pc\\loader.efi"), SAYS.ljust(440, b"\0").hex(),
        Index("ab" * 32, 1), 1, 1, "files",
    )  # fmt: skip


def disk_of(folder: Path, **values: str) -> tuple[Path, Area]:
    """Make the disk of a PC with a cache, whose own ESP is empty."""
    path, early, core = folder / "disk.img", folder / "early.cfg", folder / "core.img"
    with path.open("wb") as file:
        file.truncate(400 * MIB)
    early.write_text(EARLY)
    words = ["grub-mkimage", "-O", "i386-pc", "-c", early, "-p", "/grub", "-o", core, *MODULES]
    subprocess.run(words, check=True)
    files = {
        "vmlinuz": b"no kernel",
        "initrd.img": b"none",
        **{name: path.read_bytes() for name, path in SIGNED.items()},
        "boot.img": Path("/usr/lib/grub/i386-pc/boot.img").read_bytes(),
        "core.img": core.read_bytes(),
    }
    disk = Disk(path)
    area = area_for(disk.size, 32 * MIB)
    table.write(disk, table.wanted(manifest(), disk.size, area.entries, area.start))
    make_file_systems(disk, area)
    put_boot(disk, area, files, manifest(), ["console=ttyS0"])
    code = boot_code(disk, area)
    assert code is not None
    disk.write(0, [code])
    set_environment(disk, area, **values)
    disk.close()
    return path, area


def environment(path: Path, area: Area) -> dict[str, str]:
    disk = Disk(path)
    try:
        return get_environment(disk, area)
    finally:
        disk.close()


def boot(folder: Path, disk: Path, until: str, *more: str) -> str:
    """Start a virtual PC, and give what it said until it said this."""
    log = folder / "serial.log"
    log.write_bytes(b"")
    words = ["qemu-system-x86_64", "-accel", "tcg", "-m", "256", "-display", "none", "-net", "none"]
    words += ["-serial", f"file:{log}", "-drive", f"file={disk},format=raw,if=none,id=disk"]
    words += ["-device", "virtio-blk-pci,drive=disk,bootindex=2", "-no-reboot"]
    with subprocess.Popen([*words, *more], stderr=subprocess.DEVNULL) as machine:
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and machine.poll() is None:
                said = log.read_bytes().decode(errors="replace")
                if until in said:
                    return said
                time.sleep(0.1)
        finally:
            machine.kill()
    raise AssertionError(log.read_text(errors="replace"))


@pytest.mark.parametrize(
    ("before", "turn", "after"),
    [
        ({}, False, {}),
        ({"ictops_next": "1"}, True, {"ictops_next": "0", "ictops_healed": ""}),
        ({"ictops_always": "1"}, True, {"ictops_always": "1", "ictops_healed": "0"}),
        (
            {"ictops_always": "1", "ictops_healed": "1"},
            False,
            {"ictops_always": "1", "ictops_healed": "0"},
        ),
    ],
)
def test_a_bios_pc_boots_its_system_after_the_agents_turn(
    tmp_path: Path, before: dict[str, str], turn: bool, after: dict[str, str]
) -> None:
    disk, area = disk_of(tmp_path, **before)
    said = boot(tmp_path, disk, SYSTEM)
    assert (TURN in said) is turn
    assert environment(disk, area) == {"ictops_writing": "0", **after}


def test_half_a_system_is_never_booted(tmp_path: Path) -> None:
    disk, area = disk_of(tmp_path, ictops_writing="1")
    said = boot(tmp_path, disk, "could not be put back")
    assert TURN in said
    assert SYSTEM not in said
    assert environment(disk, area) == {"ictops_writing": "1", "ictops_tries": "x"}
    disk, area = disk_of(tmp_path, ictops_writing="1", ictops_tries="xxxxx")
    said = boot(tmp_path, disk, "could not be put back")
    assert TURN not in said
    assert SYSTEM not in said


def network(folder: Path) -> list[str]:
    """Give a card that the PC boots by first; its boot server has GRUB, and no job for it."""
    tree = folder / "tftp"
    (tree / "grub").mkdir(parents=True)
    for name, path in SIGNED.items():
        shutil.copy(path, tree / name)
    shutil.copy(PROJECT / "roles/imaging_server/files/grub.cfg", tree / "grub/grub.cfg")
    card = "virtio-net-pci,netdev=n,bootindex=1,romfile="
    return ["-netdev", f"user,id=n,restrict=on,tftp={tree},bootfile=shimx64.efi", "-device", card]


def test_secure_boot_starts_the_agent_where_the_network_has_no_job(tmp_path: Path) -> None:
    variables = tmp_path / "vars.fd"
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.ms.fd", variables)
    flash = "if=pflash,format=raw"
    more = (
        *("-machine", "q35,smm=on", "-cpu", "qemu64", "-smp", "2", "-device", "virtio-rng-pci"),
        *("-global", "driver=cfi.pflash01,property=secure,value=on"),
        *("-drive", f"{flash},unit=0,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.ms.fd"),
        *("-drive", f"{flash},unit=1,file={variables}"),
        *("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"),
        *network(tmp_path),
    )
    disk, area = disk_of(tmp_path, ictops_writing="1")
    # GRUB has asked shim whether it may start the kernel, which is none.
    said = boot(tmp_path, disk, "bad shim signature", *more)
    assert -1 < said.find("There is no job for this PC") < said.find(TURN)
    assert environment(disk, area) == {"ictops_writing": "1", "ictops_tries": "x"}
