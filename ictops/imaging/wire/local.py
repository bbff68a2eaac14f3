"""What a control box puts on a PC's cache partition, and takes from it, while the PC is up.

``jobs/once.json`` and ``jobs/standing.json`` are each a :class:`KeptJob`; ``reports/<job>.json`` is
a :class:`Report`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ictops.imaging.wire.said import End
from ictops.imaging.wire.words import GUID, check

NEEDED = ("vmlinuz", "initrd.img", "shimx64.efi", "grubx64.efi", "boot.img", "core.img")
"""What a PC keeps to start its agent without a boot server; the last two are GRUB for BIOS PCs."""
ENDED_KEPT = 200
"""Of how many jobs a PC remembers that they have ended; their windows are long over by then."""


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A job, as it was signed."""

    job: str
    signature: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a job that a PC did by itself."""

    job: str
    end: End
    at: str
    """When it ended, by the PC's clock."""

    def __post_init__(self) -> None:
        check(GUID, self.job, "job")
