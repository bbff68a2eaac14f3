"""Small disks as files, with what makes an image of them: no loop device, no root."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

MIB = 2**20
ESP_AT, ESP_SIZE = 1 * MIB, 8 * MIB
ROOT_AT, ROOT_SIZE = 9 * MIB, 40 * MIB
DISK_SIZE = 50 * MIB
GUID = "0fc63daf-0000-4000-8000-00000000000{}"
MAKE = {
    "ext4": ("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-U", GUID.format(9)),
    "ntfs": ("mkntfs", "-q", "-F", "-T"),
}


def tool(*words: str | Path, stdin: str = "") -> None:
    subprocess.run(
        [str(word) for word in words], input=stdin.encode(), check=True, capture_output=True
    )


def make_disk(
    disk: Path, files: Mapping[str, bytes], *, filesystem: str = "ext4", loader: str = "EFI/BOOT"
) -> Path:
    """Make a disk: an EFI system partition with a loader, and a file system with these files."""
    folder = disk.parent / f"{disk.name}.files"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    folder.mkdir(exist_ok=True)
    root, esp = disk.with_suffix(".root"), disk.with_suffix(".esp")
    with root.open("wb") as file:
        file.truncate(ROOT_SIZE)
    if filesystem == "ext4":
        tool(*MAKE["ext4"], "-E", f"hash_seed={GUID.format(9)}", "-d", folder, root)
    else:
        tool(*MAKE[filesystem], root)
        for name in files:
            tool("ntfscp", "-f", root, folder / name, f"/{name}")
    with esp.open("wb") as file:
        file.truncate(ESP_SIZE)
    tool("mkfs.vfat", "-i", "12345678", esp)
    at = ""
    for part in loader.split("/"):
        at = f"{at}/{part}"
        tool("mmd", "-i", esp, f"::{at}")
    (folder / "loader").write_bytes(b"loader" * 999)
    name = {"EFI/BOOT": "BOOTX64.EFI", "EFI/Microsoft/Boot": "bootmgfw.efi"}.get(
        loader, "shimx64.efi"
    )
    tool("mcopy", "-i", esp, folder / "loader", f"::{at}/{name}")
    with disk.open("wb") as file:
        file.truncate(DISK_SIZE)
    table = (
        f"label: gpt\nlabel-id: {GUID.format(1)}\n"
        f"start={ESP_AT // 512}, size={ESP_SIZE // 512}, uuid={GUID.format(2)}, name=efi, "
        "type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b\n"
        f"start={ROOT_AT // 512}, size={ROOT_SIZE // 512}, uuid={GUID.format(3)}, name=root, "
        "type=0fc63daf-8483-4772-8e79-3d69d8477de4, attrs=RequiredPartition\n"
    )
    tool("sfdisk", "--quiet", disk, stdin=table)
    with disk.open("r+b") as file:
        for part, position in ((esp, ESP_AT), (root, ROOT_AT)):
            file.seek(position)
            file.write(part.read_bytes())
            part.unlink()
    return disk
