"""What is done to many switches: one function a job, one outcome a switch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.attempt import Compare
from ictops.network.backup import FULL, Backup, take_backup
from ictops.network.batch import in_batch
from ictops.network.change import Changed, Checks, Options, change
from ictops.network.device import Device, login
from ictops.network.difference import Command
from ictops.network.path import touched
from ictops.network.platform import load_platform

_UNSAVED = "what runs is not saved: a reboot would undo it"


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
        changed = _keep(
            archive, device, backup, seal if device.name in whole else None, write=write
        )
        said = ["changed since the last backup" if changed else "as in the last backup"]
        if backup.unsaved:
            said.append(_UNSAVED)
        return Done(changed, "; ".join(said), {"unsaved": backup.unsaved})

    return in_batch(devices, one, at_once=at_once, at_once_a_site=at_once_a_site)


def configure(
    devices: Iterable[Device],
    archive: Archive,
    checks_of: Callable[[Device], Checks],
    options: Options | Callable[[Device], Options],
    *,
    at_once: int,
    at_once_a_site: int,
    hops: Mapping[str, int] | None = None,
    whole: frozenset[str] = frozenset(),
    seal: Seal,
) -> Iterator[tuple[Device, Done | SwitchError]]:
    """Change switches, each as :func:`ictops.network.change.change` does.

    A backup from before a change is committed, those from after it are not.

    :param checks_of: what is wanted of a switch, and what is looked at; mostly by
        :func:`checks_by`. It may raise SwitchError, which is that switch's outcome.
    :param options: how, for all of them or by the switch.
    :param hops: by name, how far a switch is away: the furthest are changed first, and the
        nearer ones when all further ones are through, so that nobody's path is changed under a
        change. Switches of which it says nothing come last.
    :param whole: as in :func:`back_up`.
    """
    mask = archive.mask()
    locks = archive.folder.with_name(f"{archive.folder.name}.locks")

    def one(device: Device) -> Done:
        sealing = seal if device.name in whole else None
        how = options(device) if callable(options) else options
        changed = change(
            device,
            checks_of(device),
            how,
            mask=mask,
            keep=lambda backup: _keep(archive, device, backup, sealing, write=True),
            hold=lambda: archive.commit(
                "before a change", by="ictops", only=(device.site, device.name)
            ),
            locks=locks,
        )
        return _told(changed, how)

    far: dict[int, list[Device]] = {}
    for device in devices:
        far.setdefault((hops or {}).get(device.name, 0), []).append(device)
    for _, as_far in sorted(far.items(), reverse=True):
        yield from in_batch(as_far, one, at_once=at_once, at_once_a_site=at_once_a_site)


def checks_by(
    device: Device,
    compare: Compare,
    uplinks: Collection[str] = (),
    *,
    after: Compare | None = None,
) -> Checks:
    """Give what is looked at when a switch is changed.

    :param compare: what parts what runs from what is wanted.
    :param uplinks: its ports towards ictops, see :func:`ictops.network.path.touched`.
    :param after: see :class:`Checks`.
    """

    def touches(_: Device, running: Sequence[str], commands: Sequence[Command]) -> list[str]:
        platform = load_platform(device.platform)
        return touched(platform, running, commands, address=device.address, uplinks=uplinks)

    return Checks(compare, touches, after=after)


def _told(changed: Changed, options: Options) -> Done:
    count = len(changed.difference.commands)
    if not changed.changed:
        said = ["as it is wanted"]
    elif not options.write:
        said = [f"would be changed by {count:,} lines"]
        if changed.touches and not options.may_touch_path:
            said.append("refused, as it touches the path to it: " + ", ".join(changed.touches))
    else:
        said = [f"changed by {count:,} lines ({changed.method})"]
    if changed.unsaved:
        said.append(_UNSAVED)
    more = {
        "difference": list(changed.difference.shown),
        "commands": [one.shown for one in changed.difference.commands],
        "method": changed.method,
        "configuration": changed.configuration,
        "touches": list(changed.touches),
        "unsaved": changed.unsaved,
        "unsaved_difference": list(changed.unsaved_difference),
    }
    return Done(changed.changed, "; ".join(said), more)


def _keep(
    archive: Archive, device: Device, backup: Backup, seal: Seal | None, *, write: bool
) -> bool:
    """Put a backup into the archive, and tell if anything changed since the last one."""
    before = archive.kept(device.site, device.name)
    files = dict(backup.files)
    if seal is not None:
        files[FULL] = _sealed(seal, backup.whole, before.get(FULL))
    changed = before != files
    if write and changed:
        archive.keep(device.site, device.name, files)
    return changed


def _sealed(seal: Seal, text: str, before: str | None) -> str:
    """Encrypt a text, or give it as it was encrypted before: that differs each time."""
    if before is not None:
        with suppress(SwitchError):  # by a password that is not ours any more: encrypted anew
            if seal.open(before) == text:
                return before
    return seal.close(text)
