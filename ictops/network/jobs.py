"""What is done to many switches: one function a job, one outcome a switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.backup import FULL, take_backup
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


class Seal(Protocol):
    """Encrypts what is to be kept whole; each raises SwitchError where it cannot."""

    def close(self, text: str) -> str: ...

    def open(self, sealed: str) -> str: ...


def back_up(
    devices: Iterable[Device],
    archive: Archive,
    *,
    at_once: int,
    at_once_a_site: int,
    whole: frozenset[str] = frozenset(),
    seal: Seal,
    write: bool = True,
) -> Iterator[tuple[Device, Done | SwitchError]]:
    """Put what each switch says of itself into the archive; nothing is committed yet.

    :param whole: names of those whose configuration is kept with its secrets too, encrypted.
    :param write: False tells only what would change.
    """
    mask = archive.mask()

    def one(device: Device) -> Done:
        with login(device) as session:
            backup = take_backup(session, mask)
        before = archive.kept(device.site, device.name)
        files = dict(backup.files)
        if device.name in whole:
            files[FULL] = _sealed(seal, backup.whole, before.get(FULL))
        changed = before != files
        if write and changed:
            archive.keep(device.site, device.name, files)
        said = ["changed since the last backup" if changed else "as in the last backup"]
        if backup.unsaved:
            said.append("what runs is not saved: a reboot would undo it")
        return Done(changed, "; ".join(said), {"unsaved": backup.unsaved})

    return in_batch(devices, one, at_once=at_once, at_once_a_site=at_once_a_site)


def _sealed(seal: Seal, text: str, before: str | None) -> str:
    """Encrypt a text, or give it as it was encrypted before: that differs each time."""
    if before is not None:
        try:
            if seal.open(before) == text:
                return before
        except SwitchError:  # by a password that is not ours any more: encrypted anew
            return seal.close(text)
    return seal.close(text)
