"""Back to what a backup holds of a switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.backup import FULL, RUNNING
from ictops.network.clean import MARK, Mask, masked
from ictops.network.device import Device
from ictops.network.difference import Difference, difference
from ictops.network.jobs import Seal
from ictops.network.platform import load_platform


@dataclass(frozen=True, slots=True)
class Kept:
    """A configuration out of a backup.

    :ivar lines: normalised.
    :ivar whole: whether its secrets are in it, and not their marks.
    """

    lines: tuple[str, ...]
    whole: bool


def kept_at(archive: Archive, seal: Seal, device: Device, commit: str) -> Kept:
    """Give what ran on a switch when a commit was made: with its secrets, if they were kept.

    :raises SwitchError: if there is no such commit, it has nothing of the switch, or another
        vault password is needed.
    """
    site, name = device.site, device.name
    if FULL in archive.names(site, name, commit):
        sealed = archive.show(site, name, FULL, commit)
        return Kept(tuple(seal.open(sealed).splitlines()), whole=True)
    return Kept(tuple(archive.show(site, name, RUNNING, commit).splitlines()), whole=False)


def parted_from(kept: Kept, device: Device, mask: Mask, running: Sequence[str]) -> Difference:
    """Give what parts what runs from a backup.

    Where secrets are marks in the backup, what runs is compared by its marks: the same secret
    has the same one, and stays.

    :raises SwitchError: if a secret would have to be sent that the backup does not hold.
    """
    platform = load_platform(device.platform)
    if kept.whole:
        return difference(platform, running, kept.lines, mask)
    found = difference(platform, masked(platform, list(running), mask), kept.lines, mask)
    unknown = [one.shown.strip() for one in found.commands if MARK.search(one.text)]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise SwitchError(
            f"a secret was changed since, and the backup holds none: {unknown[0]}{more}",
            where=device.name,
            do="Set it on the switch by hand, or restore a backup that was kept whole "
            "(switch_backup_whole)",
        )
    return found
