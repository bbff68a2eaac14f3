# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Linux host is like, as far as roles manage it: digests, and nothing that is secret.

Each part gives the same text for the same host, however often it is asked. More than roles
manage may be in it: then a host is looked at whole though nothing is amiss. Less must not be.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any

PIECE = 1 << 20
"""Bytes of a file that are read at once."""
LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a socket that waits for others, in the kernel's tables."""
PACKAGES = "var/lib/dpkg/status"
PACKAGE_FIELDS = ("Package", "Status", "Version", "Architecture")
SERVICE_PROPERTIES = "Id,LoadState,UnitFileState,ActiveState"


def fingerprint(declared: Mapping[str, Any], root: Path = Path("/")) -> dict[str, str]:
    """Give a SHA-256 (hex) for each part that is declared.

    :param declared: by part, what of it; see the module of this name.
    :raises OSError: if something is there and cannot be read.
    """
    parts: dict[str, Callable[[Any, Path], Iterator[str]]] = {
        "files": files,
        "packages": packages,
        "services": services,
        "sysctl": sysctl,
        "mounts": mounts,
        "firewall": firewall,
        "ports": ports,
    }
    found = {}
    for name, part in parts.items():
        if wanted := declared.get(name):
            digest = hashlib.sha256()
            for line in part(wanted, root):
                digest.update(line.encode(errors="surrogateescape") + b"\0")
            found[name] = digest.hexdigest()
    return found


def files(patterns: Sequence[str], root: Path) -> Iterator[str]:
    """Give type, mode, owner and content of each file that a pattern finds."""
    paths = set()
    for pattern in patterns:
        paths.update(glob(str(root / pattern.lstrip("/"))))  # noqa: PTH207 - names of any bytes
    for path in sorted(paths):
        try:
            about = os.lstat(path)
            yield f"{path} {about.st_mode:o} {about.st_uid} {about.st_gid} {_content(path, about)}"
        except FileNotFoundError:
            continue  # gone since


def _content(path: str, about: os.stat_result) -> str:
    if stat.S_ISLNK(about.st_mode):
        return os.readlink(path)  # noqa: PTH115
    if not stat.S_ISREG(about.st_mode):
        return ""
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123 - names of any bytes
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def packages(_wanted: object, root: Path) -> Iterator[str]:
    """Give Debian's packages with their versions, and whether one is on hold."""
    path = root / PACKAGES
    if not path.exists():
        return
    for text in path.read_text(encoding="utf-8", errors="surrogateescape").split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in text.splitlines() if line.startswith(PACKAGE_FIELDS)
        )
        if fields:
            yield " ".join(fields.get(name, "") for name in PACKAGE_FIELDS)


def services(names: Sequence[str], _root: Path) -> Iterator[str]:
    """Give of each unit whether it is enabled and whether it runs."""
    command = ["systemctl", "show", "--property", SERVICE_PROPERTIES, "--", *sorted(set(names))]
    yield _said(command)


def sysctl(names: Sequence[str], root: Path) -> Iterator[str]:
    """Give what the kernel has for each of these settings."""
    for name in sorted(set(names)):
        path = root / "proc/sys" / "/".join(part.replace("/", ".") for part in name.split("."))
        value = " ".join(path.read_text().split()) if path.exists() else "none"
        yield f"{name}={value}"


def mounts(paths: Sequence[str], root: Path) -> Iterator[str]:
    """Give what is mounted at each of these places, and how."""
    found: dict[str, str] = {}
    for line in (root / "proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        place, options = before.split()[4:6]
        found[place] = f"{options} {after}"  # the last one is on top
    for path in sorted(set(paths)):
        yield f"{path} {found.get(path, 'none')}"


def firewall(tables: Sequence[str], root: Path) -> Iterator[str]:
    """Give the rules of these tables of nftables, such as ``inet school``, as the kernel has them.

    :raises OSError: if the kernel's tables cannot be listed.
    """
    if not any((root / folder / "nft").exists() for folder in ("usr/sbin", "sbin")):
        return
    there = {line.strip() for line in _said(["nft", "list", "tables"]).splitlines()}
    for table in sorted(set(tables)):
        if f"table {table}" in there:
            yield _said(["nft", "--stateless", "list", "table", *table.split()])


def ports(_wanted: object, root: Path) -> Iterator[str]:
    """Give where something listens; a UDP port that is lent for one question is none."""
    for port in listening(root, first_lent(root)):
        yield " ".join(map(str, port))


def first_lent(root: Path) -> int:
    """Give the first port that the kernel lends for one connection."""
    path = root / "proc/sys/net/ipv4/ip_local_port_range"
    return int(path.read_text().split()[0]) if path.exists() else 1 << 15


def listening(root: Path, lent: int) -> list[tuple[str, int, str]]:
    """Give protocol, port and address (as the kernel writes it) of all that listens."""
    found = set()
    for table, state in LISTENING.items():
        path = root / "proc/net" / table
        if not path.exists():
            continue
        for line in path.read_text().splitlines()[1:]:
            local, _remote, its_state = line.split()[1:4]
            address, _, port = local.rpartition(":")
            number = int(port, 16)
            if its_state == state and (table.startswith("tcp") or number < lent):
                found.add((table, number, address))
    return sorted(found)


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    if done.returncode:
        text = done.stderr.strip() or f"exit code {done.returncode}"
        raise OSError(f"{' '.join(command[:2])}: {text}")
    return done.stdout
