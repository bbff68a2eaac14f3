"""The disk of a golden image, from a folder with a few files instead of a system."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from ictops.errors import ImageError
from ictops.imaging.agent.layout import BIOS_BOOT, EFI_SYSTEM
from ictops.imaging.images.bootable import make_disk, names_of
from ictops.imaging.images.layout import LINUX, MIB, read_layout
from ictops.imaging.images.recipe import Recipe

GRUB = Path("/usr/lib/grub/i386-pc")
NAMES = names_of("room")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The loaders of this machine's packages, and no system."""
    folder = tmp_path / "root"
    for name, source in {
        "usr/lib/shim/shimx64.efi.signed": Path("/usr/lib/shim/shimx64.efi.signed"),
        "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": Path(
            "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
        ),
        "usr/lib/grub/i386-pc/boot.img": GRUB / "boot.img",
    }.items():
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(source, folder / name)
    (folder / "boot/grub").mkdir(parents=True)
    core = f"--output={folder}/boot/grub/core.img"
    command = ["grub-mkimage", "--format=i386-pc", "--prefix=/boot/grub", core, "biosdisk", "ext2"]
    subprocess.run(command, check=True)
    return folder


def made(recipe: Recipe, root: Path, tmp_path: Path) -> Path:
    make_disk(recipe, NAMES, root, tmp_path / "disk", tmp_path)
    return tmp_path / "disk"


def test_both_kinds_of_firmware_find_what_they_boot(root: Path, tmp_path: Path) -> None:
    disk = made(Recipe(size="512M"), root, tmp_path)
    layout = read_layout(disk)
    assert layout.firmware == ("uefi", "bios")
    assert layout.disk_guid == NAMES.disk
    assert [(one.number, one.type, one.guid, one.filesystem) for one in layout.partitions] == [
        (1, BIOS_BOOT, NAMES.bios, "none"),
        (2, EFI_SYSTEM, NAMES.esp, "vfat"),
        (3, LINUX, NAMES.root, "ext4"),
    ]
    assert [one.grow for one in layout.partitions] == [False, False, True]
    assert layout.smallest_disk == 512 * MIB
    assert layout.boot_entry is not None
    assert layout.boot_entry.loader == r"\EFI\debian\shimx64.efi"
    shim = subprocess.run(
        ["mtype", "-i", f"{disk}@@{2 * MIB}", "::/EFI/BOOT/BOOTX64.EFI"],
        capture_output=True,
        check=True,
    ).stdout
    assert shim == Path("/usr/lib/shim/shimx64.efi.signed").read_bytes()


def test_grub_finds_the_rest_of_itself(root: Path, tmp_path: Path) -> None:
    """As grub-bios-setup does it: boot.img names core's first sector, and that one the others."""
    disk = made(Recipe(size="512M"), root, tmp_path)
    code = read_layout(disk).boot_code
    first = MIB // 512
    assert struct.unpack_from("<Q", code, 0x5C) == (first,)
    was = (GRUB / "boot.img").read_bytes()[:440]
    differs = {at for at, (one, other) in enumerate(zip(was, code, strict=True)) if one != other}
    assert differs <= {*range(0x5C, 0x64), 0x66, 0x67}
    core = (root / "boot/grub/core.img").read_bytes()
    with disk.open("rb") as file:
        file.seek(MIB)
        written = file.read(len(core))
    start, length, _ = struct.unpack_from("<QHH", written, 500)
    assert (start, length) == (first + 1, -(-len(core) // 512) - 1)
    assert written[:500] == core[:500]
    assert written[508:] == core[508:]


def test_one_kind_of_firmware_alone(root: Path, tmp_path: Path) -> None:
    layout = read_layout(made(Recipe(size="512M", firmware=("bios",)), root, tmp_path))
    assert (layout.firmware, layout.boot_entry) == (("bios",), None)
    (tmp_path / "disk").unlink()
    layout = read_layout(made(Recipe(size="512M", firmware=("uefi",)), root, tmp_path))
    assert (layout.firmware, layout.boot_code) == (("uefi",), b"")


def test_a_disk_that_is_too_small_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no system fits on a disk of 200M"):
        made(Recipe(size="200M"), root, tmp_path)
    (root / "big").write_bytes(bytes(range(256)) * 4096 * 300)
    with pytest.raises(ImageError, match="mke2fs failed"):
        made(Recipe(size="420M"), root, tmp_path)
