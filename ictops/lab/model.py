"""What a lab is called, and where its things are."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictops.errors import LabError

LABEL = "ictops.lab"
"""On every container and network of a lab; its value is the lab's folder."""

OWN_FOLDER = ".lab"
"""In a lab's cluster, where Ansible does not look: all that the cluster needs to be a lab."""

PART = ".part"

MARKER = f"{OWN_FOLDER}/made-of.json"
"""What the cluster was made of. One without it is somebody's own."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab: a cluster of its own, where the workspace's others are, and hosts for it.

    Labs of one name in two workspaces have two folders, and so are two labs.
    """

    name: str
    folder: Path
    """Its inventory, with the lab's keys and packages in it; absolute."""

    def __post_init__(self) -> None:
        """Refuse a name that could lead out of a folder.

        :raises LabError: saying what a name may be.
        """
        if not _NAME.fullmatch(self.name):
            raise LabError(
                f"{self.name!r} cannot be a lab's name",
                do="Take up to 40 of the letters a-z, digits and dashes",
            )

    def container(self, host: str) -> str:
        """Give the name of a host's container."""
        return f"ictops-{self.name}-{self._tag}-{host}"

    def network(self, site: str) -> str:
        """Give the name of a site's podman network."""
        return f"ictops-{self.name}-{self._tag}-{site}"

    @property
    def label(self) -> str:
        """The label of all that podman holds of this lab."""
        return f"{LABEL}={self.folder}"

    @property
    def own(self) -> Path:
        """The folder of keys and packages."""
        return self.folder / OWN_FOLDER

    @property
    def key(self) -> Path:
        """The private key with which the lab's hosts let ictops in."""
        return self.own / "id_ed25519"

    @property
    def packages(self) -> Path:
        """The lab's package repository."""
        return self.own / "packages"

    @property
    def keyring(self) -> Path:
        """The public key by which the lab's hosts know the repository."""
        return self.own / "packages.gpg"

    @property
    def farm(self) -> Path:
        """The folder of its simulated switches: their passwords, keys and process."""
        return self.own / "farm"

    @property
    def part(self) -> Path:
        """Where the folder is while it is being made, or taken away."""
        return self.folder.with_name(f".{self.name}{PART}")

    def made_of(self) -> dict[str, Any] | None:
        """Give what the lab's cluster was made of, or None where there is none.

        :raises LabError: if a cluster of this name is there and is no lab's.
        """
        try:
            found: dict[str, Any] = json.loads((self.folder / MARKER).read_text())
        except FileNotFoundError:
            if self.folder.exists():
                raise LabError(
                    "is a cluster of your own, not a lab's",
                    where=str(self.folder),
                    do="Give the lab another --name",
                ) from None
            return None
        return found

    @property
    def _tag(self) -> str:
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]
