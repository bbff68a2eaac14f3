"""The cluster, its sites and its hosts as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

HostKind = Literal["workstation", "server", "switch"]
HostSystem = Literal["linux", "windows", "network"]

SITE_CODE = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}\Z")
"""What a site's code may be: it becomes a file, a folder and part of a group's name."""


NOT_SITES = frozenset({"notify"})
"""What is called so, with ``.yml`` behind it, in a cluster's folder is about no site."""


def site_group(code: str) -> str:
    """Give the inventory group of the site ``code``; Ansible's groups take no dashes."""
    return f"site_{code.replace('-', '_')}"


class Place(NamedTuple):
    """Where a host shares something with others: so many of them are worked on at once."""

    room: str | None = None
    switch: str | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A workstation, server or switch, as far as plans and checks need to know it."""

    name: str
    site: str
    kind: HostKind | None
    system: HostSystem | None
    room: str | None
    """The room's name without the site, from the host's group ``room_<site>_<room>``."""
    address: str | None
    mac: str | None
    """Six lower-case pairs joined by colons, or None."""
    canary: bool
    """Whether the host is in the group ``canaries``."""
    line: int
    """Where in the site's file it stands; 1 is the first line."""
    groups: tuple[str, ...] = ()
    port: int = 22
    """Where its SSH answers."""
    switch: str | None = None
    """The switch that it is wired to, from ``host_switch``."""

    @property
    def place(self) -> Place:
        return Place(self.room, self.switch)


@dataclass(frozen=True, slots=True)
class Site:
    """One school. ``variables`` are those of its groups named ``site_…``, secrets left out."""

    code: str
    name: str
    phase: str
    timezone: str
    calendar: str
    source: Path
    """The inventory file of the site: what a shard gets."""
    digest: str
    """SHA-256 of every file of the inventory that speaks for this site."""
    host_count: int
    variables: Mapping[str, object] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    """The file and line of each of the variables."""
