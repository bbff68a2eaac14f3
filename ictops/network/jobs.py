"""What is done to many switches: one function a job, one outcome a switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.backup import take_backup
from ictops.network.batch import in_batch
from ictops.network.device import Device, login


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a switch.

    :ivar more: what else a result says of it.
    """

    changed: bool
    message: str
    more: Mapping[str, object] = field(default_factory=dict)


def back_up(
    devices: Iterable[Device],
    archive: Archive,
    *,
    at_once: int,
    at_once_a_site: int,
    write: bool = True,
) -> Iterator[tuple[Device, Done | SwitchError]]:
    """Put what each switch says of itself into the archive; nothing is committed yet.

    :param write: False tells only what would change.
    """
    mask = archive.mask()

    def one(device: Device) -> Done:
        with login(device) as session:
            backup = take_backup(session, mask)
        changed = archive.kept(device.site, device.name) != dict(backup.files)
        if write and changed:
            archive.keep(device.site, device.name, backup.files)
        said = ["changed since the last backup" if changed else "as in the last backup"]
        if backup.unsaved:
            said.append("what runs is not saved: a reboot would undo it")
        return Done(changed, "; ".join(said), {"unsaved": backup.unsaved})

    return in_batch(devices, one, at_once=at_once, at_once_a_site=at_once_a_site)
