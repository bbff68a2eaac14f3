"""Pinned SSH host keys: a known_hosts file per site, and nothing trusted on first use."""

from __future__ import annotations

import shlex
from pathlib import Path

from ictops.errors import TrustError
from ictops.estate.models import SITE_CODE

FOLDER = "known_hosts"
SSH_PORT = 22


def known_hosts_path(cluster_dir: Path, site: str) -> Path:
    """Give the file of a site's pinned keys.

    :raises TrustError: if the code could lead out of the folder.
    """
    if not SITE_CODE.match(site):
        raise TrustError("a site's code has letters a-z, digits and dashes", where=site)
    return cluster_dir / FOLDER / site


def ssh_arguments(cluster_dir: Path, site: str) -> list[str]:
    """Give the options with which ssh accepts the site's pinned keys and no others.

    Each is quoted for a shell-like list, as Ansible's ``ssh_common_args`` is read.
    """
    options = {
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known_hosts_path(cluster_dir, site)),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
    }
    return [part for k, v in options.items() for part in ("-o", shlex.quote(f"{k}={v}"))]


def read_known(path: Path) -> dict[str, set[str]]:
    """Give the pinned keys, ``type base64``, of each address in a known_hosts file."""
    known: dict[str, set[str]] = {}
    if not path.is_file():
        return known
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith(("#", "@")):  # noqa: PLR2004 - host type key
            continue
        for address in fields[0].split(","):
            known.setdefault(address, set()).add(f"{fields[1]} {fields[2]}")
    return known


def write_known(path: Path, known: dict[str, set[str]]) -> None:
    """Write a known_hosts file, by rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{address} {key}\n" for address in sorted(known) for key in sorted(known[address])]
    fresh = path.with_name(path.name + ".part")
    fresh.write_text("".join(lines))
    fresh.chmod(0o644)
    fresh.rename(path)


def address_of(address: str, port: int) -> str:
    """Give how known_hosts names an address: with its port in brackets if it is not 22."""
    return address if port == SSH_PORT else f"[{address}]:{port}"


def explain(message: str, site: str, host: str) -> str:
    """Give what to do about ssh's own words on a host key, or an empty text."""
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in message:
        return (
            "its host key is not the pinned one: if it was installed anew, 'ictops site trust "
            f"{site} --replace {host}'; if not, find out who answers there"
        )
    if "host key" in message.lower():
        return f"its host key is not pinned: 'ictops site trust {site}' shows and records it"
    return ""
