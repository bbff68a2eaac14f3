"""A Windows that was never installed: an NTFS volume with the files that imaging looks at."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ictops.imaging.agent import ntfs

GENERALIZED = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"
STATE_KEY = "Microsoft\\Windows\\CurrentVersion\\Setup\\State"
SOFTWARE = "Windows/System32/config/SOFTWARE"
SYSTEM = "Windows/System32/config/SYSTEM"


def hive(path: Path, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Make a registry hive with string values by key; a key's parents are made too."""
    path.write_bytes(_empty_hive())
    lines: list[str] = []
    made: set[str] = set()
    for key, values in keys.items():
        lines.append("cd \\")
        at = ""
        for name in key.split("\\"):
            at = f"{at}\\{name}"
            lines += [f"add {name}"] * (at not in made) + [f"cd {name}"]
            made.add(at)
        lines.append(f"setval {len(values)}")
        for name, value in values.items():
            lines += [name, f"string:{value}"]
    lines.append("commit")
    subprocess.run(
        ["hivexsh", "-w", path], input="\n".join(lines) + "\n", text=True, check=True,
        capture_output=True,
    )  # fmt: skip


def _empty_hive() -> bytes:
    """Give a hive with nothing but its root: a base block and one bin (regf 1.3)."""
    name = b"ROOT"
    security_at, root_at = 0x20, 0x20 + 0x30
    none = 0xFFFFFFFF
    descriptor = bytes.fromhex("0100048000000000000000000000000000000000")
    sk = struct.pack("<2sHIIII", b"sk", 0, security_at, security_at, 1, len(descriptor))
    sk += descriptor
    nk = struct.pack(
        "<2sHQIIIIIIIIIIIIIIIHH", b"nk", 0x2C, 0, 0, none, 0, 0, none, none, 0, none,
        security_at, none, 0, 0, 0, 0, 0, len(name), 0,
    ) + name  # fmt: skip
    cells = struct.pack("<i", -0x30) + sk.ljust(0x2C, b"\0")
    cells += struct.pack("<i", -0x58) + nk.ljust(0x54, b"\0")
    free = 4096 - 0x20 - len(cells)
    cells += struct.pack("<i", free).ljust(free, b"\0")
    hbin = struct.pack("<4sIIQQI", b"hbin", 0, 4096, 0, 0, 0) + cells
    base = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 0, 1, 3, 0, 1, root_at, 4096, 1)
    base = base.ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", base):
        checksum ^= word
    return (base + struct.pack("<I", checksum)).ljust(4096, b"\0") + hbin


def volume(
    path: Path,
    scratch: Path,
    *,
    size: int = 64 * 2**20,
    state: str = GENERALIZED,
    openssh: bool = True,
    more: Mapping[str, bytes] | None = None,
    system: Mapping[str, Mapping[str, str]] | None = None,
) -> Path:
    """Make an NTFS volume in a file, with the tree of a Windows that sysprep has sealed."""
    with path.open("wb") as file:
        file.truncate(size)
    subprocess.run(
        ["mkntfs", "-F", "-q", "-Q", "-L", "Windows", path], check=True, capture_output=True
    )
    with ntfs.mounted(path) as root:
        fill(root, scratch, state=state, openssh=openssh, more=more, system=system)
    return path


def fill(
    root: Path,
    scratch: Path,
    *,
    state: str = GENERALIZED,
    openssh: bool = True,
    more: Mapping[str, bytes] | None = None,
    system: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Put the tree of a Windows into a folder."""
    software = scratch / "software-hive"
    hive(software, {STATE_KEY: {"ImageState": state}, "Microsoft\\Other": {"Kept": "yes"}})
    system_hive = scratch / "system-hive"
    hive(system_hive, system or {"Setup": {"CmdLine": "oobe"}})
    files = {
        SOFTWARE: software.read_bytes(),
        SYSTEM: system_hive.read_bytes(),
        "Windows/Setup/State/State.ini": f"[State]\r\nImageState={state}\r\n".encode(),
        "Windows/Panther/Unattend/unattend.xml": b"<stale/>",
        "Windows/Panther/setupact.log": b"log\r\n",
        "Windows/explorer.exe": b"MZ" + bytes(range(256)) * 900,
        **(more or {}),
    }
    if openssh:
        files["Windows/System32/OpenSSH/sshd.exe"] = b"MZ sshd"
        files["ProgramData/ssh/ssh_host_rsa_key"] = b"the reference PC's"
        files["ProgramData/ssh/ssh_host_rsa_key.pub"] = b"the reference PC's"
    for name, data in files.items():
        at = root / name
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(data)
