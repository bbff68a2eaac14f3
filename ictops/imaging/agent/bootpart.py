"""The partition from which a PC starts its agent without a boot server, by UEFI or BIOS.

Debian's signed shim and GRUB, and the agent's kernel and initramfs. GRUB's environment block says
what is to be booted (GRUB's manual, 16.3). The PC's own system, the agent and GRUB each change it
by writing its first sector in its place, which is done or not when the power goes. (GRUB 2.06 can
read a block outside of a file system, and cannot write it.)

=================  ================================================================================
``ictops_writing`` the disk holds half a system: only the agent can be booted
``ictops_next``    the agent is booted once
``ictops_always``  the agent is booted at each start
``ictops_healed``  GRUB's own: the agent had its turn, and the system is booted now
``ictops_tries``   GRUB's own: how often the agent was started since it began to write
=================  ================================================================================

GRUB gives the agent its turn, and takes it back, before it starts it: an agent that fails, in
whatever way, is followed by the system as it is. Nothing goes round in circles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ictops.imaging.agent import grub
from ictops.imaging.agent.area import GAP, Area
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.fat import Fat
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import BootFile
from ictops.imaging.wire.local import NEEDED
from ictops.imaging.wire.manifest import BOOT_CODE_BYTES, SECTOR, Manifest
from ictops.imaging.wire.words import digest_of

LABEL = "ictops heal"
"""Of the boot entry; the control box knows it by this."""
LOADER = "\\EFI\\BOOT\\BOOTX64.EFI"
_BOOT_IMAGE = "grub/boot.img"
_CONFIGS = ("grub/grub.cfg", "EFI/debian/grub.cfg")
"""Where Debian's signed GRUBs look for their configuration, the network's and the disk's."""
_LOADERS = (
    "/EFI/debian/shimx64.efi", "/EFI/ubuntu/shimx64.efi", "/EFI/fedora/shimx64.efi",
    "/EFI/opensuse/shim.efi", "/EFI/Microsoft/Boot/bootmgfw.efi", "/EFI/debian/grubx64.efi",
    "/EFI/BOOT/BOOTX64.EFI",
)  # fmt: skip
_PATH = re.compile(r"(\\[A-Za-z0-9_.-]+)+")
_WORD = re.compile(r"[A-Za-z0-9_.,:=/@%\[\]-]+")
_HEAD = b"# GRUB Environment Block\n"
ENVIRONMENT = "grub/ictops.env"
ENVIRONMENT_BYTES = 1024
"""Bytes, always (GRUB's include/grub/lib/envblk.h)."""
_CONFIG = """\
# Written by ictops' imaging agent: what this PC boots from its disk, without a boot server.
set timeout=0
set pager=0
set own="$root"
regexp --set=disk "^([^,]+)" "$own"
set file="($own)/@BLOCK@"
load_env --file "$file" ictops_writing ictops_next ictops_always ictops_healed ictops_tries

function keep {
  save_env --file "$file" ictops_next ictops_healed ictops_tries
}

function boot_agent {
  echo "This PC is being put back to its image. Leave it on."
  if linux ($own)/ictops/@FOLDER@/vmlinuz @ARGUMENTS@; then
    if initrd ($own)/ictops/@FOLDER@/initrd.img; then
      boot
    fi
  fi
}

function boot_loader {
  # Never our own: that would go round in circles.
  if search --no-floppy --file --set=found "$1"; then
    if [ "$found" != "$own" ]; then
      set root="$found"
      if chainloader "($found)$1"; then
        boot
      fi
    fi
  fi
}

# The turn is taken back before the agent has it; where that cannot be kept, it gets none.
if [ "$ictops_writing" = "1" ]; then
  if [ "$ictops_tries" != "xxxxx" ]; then
    set ictops_tries="x$ictops_tries"
    if keep; then
      boot_agent
    fi
  fi
  echo "This PC could not be put back. Its boot server can do it."
  sleep 20
  exit
elif [ "$ictops_next" = "1" ]; then
  set ictops_next=0
  # In a room that heals at each boot, this was the turn.
  set ictops_healed="$ictops_always"
  if keep; then
    boot_agent
  fi
elif [ "$ictops_always" = "1" ]; then
  if [ "$ictops_healed" != "1" ]; then
    set ictops_healed=1
    if keep; then
      boot_agent
    fi
  fi
fi
if [ "$ictops_healed" = "1" ]; then
  set ictops_healed=0
  keep
fi

if [ "$grub_platform" = "efi" ]; then
  for loader in @LOADERS@; do
    boot_loader "$loader"
  done
else
  set root="$disk"
  if chainloader ($own)/grub/system.img; then
    boot
  fi
fi

# The firmware goes on with what comes next: the network, or another disk.
exit
"""


def environment(values: Mapping[str, str]) -> bytes:
    """Give an environment block of GRUB."""
    lines = "".join(f"{name}={value}\n" for name, value in sorted(values.items()))
    text = _HEAD + lines.encode("ascii")
    if len(text) > ENVIRONMENT_BYTES:
        raise ValueError("an environment block is full")
    return text + b"#" * (ENVIRONMENT_BYTES - len(text))


def read_environment(data: bytes) -> dict[str, str]:
    """Read an environment block; a damaged one says nothing."""
    if len(data) != ENVIRONMENT_BYTES or not data.startswith(_HEAD):
        return {}
    lines = data.decode("ascii", errors="replace").splitlines()
    return dict(one.split("=", 1) for one in lines if "=" in one and not one.startswith("#"))


def configuration(manifest: Manifest, folder: str, arguments: Iterable[str]) -> str:
    """Give GRUB's configuration.

    :param folder: in which the agent's Linux is.
    :param arguments: of its kernel; words that GRUB would read otherwise are left out.
    """
    loaders = list(_LOADERS)
    entry = manifest.boot_entry
    if entry is not None and _PATH.fullmatch(entry.loader):
        own = entry.loader.replace("\\", "/")
        loaders = [own, *(one for one in loaders if one != own)]
    words = [one for one in arguments if _WORD.fullmatch(one)]
    return (
        _CONFIG.replace("@FOLDER@", folder)
        .replace("@BLOCK@", ENVIRONMENT)
        .replace("@ARGUMENTS@", " ".join(["boot=ictops", "ictops.local=1", *words]))
        .replace("@LOADERS@", " ".join(loaders))
    )


def boot_code(disk: Disk, area: Area) -> bytes | None:
    """Give what starts the agent from here on a BIOS PC; None if there is no agent here."""
    fat = Fat(disk, area.boot)
    image = fat.read(_BOOT_IMAGE)
    if len(image) != SECTOR or not fat.read(_CONFIGS[0]):
        return None
    return grub.boot_code(image, area.start // SECTOR)


def put_boot(
    disk: Disk,
    area: Area,
    files: Mapping[str, bytes],
    manifest: Manifest,
    arguments: Iterable[str],
) -> None:
    """Write all that the agent is started by; what names it comes last.

    :param files: by the names in :data:`~ictops.imaging.wire.local.NEEDED`.
    :raises JobFailed: ``agent``.
    """
    version = digest_name(files)
    config = configuration(manifest, version, arguments).encode("ascii")
    code = bytes.fromhex(manifest.boot_code) or bytes(BOOT_CODE_BYTES)
    fat = Fat(disk, area.boot)
    for old in fat.folders("ictops"):
        # The last one that was whole is what GRUB's configuration names.
        if old != version and f"/{old}/".encode() not in fat.read(_CONFIGS[0]):
            fat.remove(f"ictops/{old}")
    for name in ("vmlinuz", "initrd.img"):
        fat.put(f"ictops/{version}/{name}", files[name])
    fat.put("EFI/BOOT/BOOTX64.EFI", files["shimx64.efi"])
    fat.put("EFI/BOOT/grubx64.efi", files["grubx64.efi"])
    fat.put("grub/system.img", code.ljust(SECTOR - 2, b"\0") + b"\x55\xaa")
    fat.put(_BOOT_IMAGE, files["boot.img"])
    _put_core(disk, area, files["core.img"])
    if not get_environment(disk, area):
        fat.put(ENVIRONMENT, environment({"ictops_writing": "0"}))
    for name in _CONFIGS:
        fat.put(name, config)


def get_environment(disk: Disk, area: Area) -> dict[str, str]:
    """Give what GRUB is to do."""
    return read_environment(Fat(disk, area.boot).read(ENVIRONMENT))


def set_environment(disk: Disk, area: Area, **values: str) -> None:
    """Change what GRUB is to do.

    :raises JobFailed: ``disk-failing``; ``agent`` if the block is not there.
    """
    data = environment({**get_environment(disk, area), **values})
    at = Fat(disk, area.boot).place(ENVIRONMENT)
    there = bytearray(ENVIRONMENT_BYTES)
    disk.read(at, there)
    if not there.startswith(_HEAD):
        raise JobFailed("agent", "GRUB's environment block is not where it is to be")
    if there != data:
        disk.write(at, [data])
        disk.flush()


def digest_name(files: Mapping[str, bytes]) -> str:
    """Give a folder's name for an agent's Linux: another one for another."""
    return digest_of(b"".join(digest_of(files[name]) for name in NEEDED[:2])).hex()[:8]


def missing_files(given: Iterable[BootFile]) -> list[str]:
    """Give which files a job does not name."""
    return sorted(set(NEEDED) - {one.name for one in given})


def _put_core(disk: Disk, area: Area, core_image: bytes) -> None:
    """Write the rest of GRUB for BIOS PCs into the gap before our partitions."""
    try:
        core = grub.rest(core_image, area.start // SECTOR, GAP)
    except grub.GrubUnknown as error:
        raise JobFailed("agent", f"GRUB's image for BIOS PCs {error}") from error
    there = bytearray(len(core))
    disk.read(area.start, there)
    if there != core:
        disk.write(area.start, [core])
        disk.flush()
