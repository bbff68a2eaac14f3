"""A disk of a system's files: GPT, EFI system partition, GRUB for BIOS PCs; no loop devices."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.agent import grub
from ictops.imaging.agent.layout import BIOS_BOOT, EFI_SYSTEM
from ictops.imaging.images.debian import CORE
from ictops.imaging.images.layout import LINUX, MIB
from ictops.imaging.images.recipe import Recipe
from ictops.imaging.images.tools import run
from ictops.imaging.wire.manifest import SECTOR

_SPACE = uuid.UUID("7a3b1c52-0d7e-4c64-9b1f-3f4d5a0e6c21")
ESP_BYTES = 128 * MIB
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
"""Of ext4: the same with every mke2fs, and none that GRUB 2.06 cannot read."""
BYTES_PER_INODE = 32768
"""A school's disk grows the file system a hundredfold, and its tables of inodes with it."""
MADE_AT = "1700000000"
"""Seconds since the epoch: a file system made again differs only where its files do."""
SMALLEST_ROOT = 256 * MIB


@dataclass(frozen=True, slots=True)
class Names:
    """What is known by name on every disk of this image, in all its versions."""

    disk: str
    bios: str
    esp: str
    root: str
    filesystem: str
    hash_seed: str
    serial: str
    """Of the EFI system partition: eight hex digits."""

    @property
    def esp_uuid(self) -> str:
        """As blkid and fstab have it."""
        return f"{self.serial[:4]}-{self.serial[4:]}".upper()


def names_of(image: str) -> Names:
    """Give the names of an image's parts, always the same ones."""

    def made(part: str) -> str:
        return str(uuid.uuid5(_SPACE, f"{image}/{part}"))

    esp = made("esp")
    return Names(
        disk=made("disk"),
        bios=made("bios"),
        esp=esp,
        root=made("root"),
        filesystem=made("filesystem"),
        hash_seed=made("hash"),
        serial=esp[:8],
    )


def make_disk(recipe: Recipe, names: Names, root: Path, disk: Path, scratch: Path) -> None:
    """Make a disk of a system's files.

    :param root: the folder that has them.
    :param disk: the file that becomes the disk.
    :raises ImageError: if they do not fit.
    """
    bios_at, esp_at, root_at = MIB, 2 * MIB, 2 * MIB + ESP_BYTES
    root_bytes = recipe.disk_bytes - MIB - root_at  # the last MiB has the second table
    if root_bytes < SMALLEST_ROOT:
        raise ImageError(f"no system fits on a disk of {recipe.size}", do="Give it a larger size")
    with disk.open("xb") as file:
        file.truncate(recipe.disk_bytes)
    table = f"label: gpt\nlabel-id: {names.disk}\n"
    if "bios" in recipe.firmware:
        table += _line(bios_at, MIB, BIOS_BOOT, names.bios, "bios")
    if "uefi" in recipe.firmware:
        table += _line(esp_at, ESP_BYTES, EFI_SYSTEM, names.esp, "efi")
    table += _line(root_at, root_bytes, LINUX, names.root, "system")
    run("sfdisk", "--quiet", disk, stdin=table)
    run(
        "mke2fs", "-q", "-t", "ext4", "-O", FEATURES, "-b", "4096", "-i", str(BYTES_PER_INODE),
        "-U", names.filesystem, "-L", "system",
        "-E", f"hash_seed={names.hash_seed},lazy_itable_init=0,nodiscard,offset={root_at}",
        "-d", root, disk, f"{root_bytes // 1024}k",
        env={"E2FSPROGS_FAKE_TIME": MADE_AT},
    )  # fmt: skip
    if "uefi" in recipe.firmware:
        _make_esp(recipe, names, root, disk, esp_at, scratch)
    if "bios" in recipe.firmware:
        _make_bios(root, disk, bios_at)


def _line(start: int, size: int, type_: str, guid: str, name: str) -> str:
    sectors = f"start={start // SECTOR}, size={size // SECTOR}"
    return f"{sectors}, type={type_}, uuid={guid}, name={name}\n"


def _make_esp(
    recipe: Recipe, names: Names, root: Path, disk: Path, start: int, scratch: Path
) -> None:
    """Put the release's own signed loaders where firmware looks: by its entry, or by default."""
    vendor = recipe.system
    config = scratch / "grub.cfg"
    config.write_text(
        f"search.fs_uuid {names.filesystem} root\n"
        "set prefix=($root)/boot/grub\n"
        "configfile $prefix/grub.cfg\n"
    )
    shim = root / "usr/lib/shim/shimx64.efi.signed"
    grub = root / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
    esp = scratch / "esp"
    with esp.open("xb") as file:
        file.truncate(ESP_BYTES)
    made_at = {"SOURCE_DATE_EPOCH": MADE_AT}
    run("mkfs.vfat", "-F", "32", "-i", names.serial, "-n", "EFI", esp, env=made_at)
    run("mmd", "-i", esp, "::/EFI", "::/EFI/BOOT", f"::/EFI/{vendor}", env=made_at)
    for source, target in (
        (shim, f"EFI/{vendor}/shimx64.efi"),
        (grub, f"EFI/{vendor}/grubx64.efi"),
        (config, f"EFI/{vendor}/grub.cfg"),
        (shim, "EFI/BOOT/BOOTX64.EFI"),
        (grub, "EFI/BOOT/grubx64.efi"),
        (config, "EFI/BOOT/grub.cfg"),
    ):
        run("mcopy", "-i", esp, source.resolve(strict=True), f"::/{target}", env=made_at)
    with esp.open("rb") as source_file, disk.open("r+b") as target_file:
        target_file.seek(start)
        while data := source_file.read(MIB):
            if data.strip(b"\0"):
                target_file.write(data)
            else:
                target_file.seek(len(data), 1)
    esp.unlink()


def _make_bios(root: Path, disk: Path, start: int) -> None:
    """Put GRUB for BIOS PCs into its partition, and what starts it into the first sector."""
    first = start // SECTOR
    code = grub.boot_code((root / "usr/lib/grub/i386-pc/boot.img").read_bytes(), first)
    try:
        rest = grub.rest((root / CORE).read_bytes(), first, MIB)
    except grub.GrubUnknown as error:
        raise ImageError(f"GRUB's image for BIOS PCs {error}", where=CORE) from error
    with disk.open("r+b") as file:
        file.write(code)
        file.seek(start)
        file.write(rest)
