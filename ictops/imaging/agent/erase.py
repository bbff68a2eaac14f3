"""Erase disks for disposal: those that the job names by serial number, and no other.

Each disk gets the best method that it offers. One that offers none is reported as not erased: a
discard (TRIM) is not an erase, and writing over flash does not reach all of it. Nothing has to be
remembered for a power cut: the PC gets the job again, waits for a drive that still erases itself,
and begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom

from ictops.imaging.agent import ata, nvme, nwipe
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.method import Method, NotErased, Offer, Pause, Refused, Tell
from ictops.imaging.agent.overwrite import overwrite
from ictops.imaging.agent.sample import compare, remember
from ictops.imaging.wire.job import Erase
from ictops.imaging.wire.said import Disk, End, Erased, Progress

PLUGGED = frozenset({"usb", "mmc", "sdio", "firewire"})
"""Transports whose disks take no command that erases all of them."""
ATA = frozenset({"sata", "ata"})
OVERWRITE = "clear: overwritten once with zeros, and all of it read back"
NOT_NAMED = "the job does not name this disk; it was left alone"


def erase(
    order: Erase,
    disks: Sequence[Disk],
    tell: Callable[[Progress], None],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Pause = time.sleep,
    random: Random | None = None,
) -> End:
    """Erase the disks that a job names, one after the other, and tell what became of each.

    It is ``done`` only if the PC has no disk left that was not erased; sticks apart, which are
    not touched and noted.

    :param disks: all disks that the PC has.
    """
    return _Erasing(order, disks, tell, now, pause, random or SystemRandom()).end()


class _Erasing:
    def __init__(
        self,
        order: Erase,
        disks: Sequence[Disk],
        tell: Callable[[Progress], None],
        now: Callable[[], datetime],
        pause: Pause,
        random: Random,
    ) -> None:
        self._order, self._disks, self._tell = order, disks, tell
        self._now, self._pause, self._random = now, pause, random
        self._total = sum(disk.size for disk in disks if disk.serial in order.serials)
        self._done = 0
        self._notes: list[str] = []

    def end(self) -> End:
        began = self._now()
        erased = (*self._named(), *self._further())
        notes = tuple(
            f"left alone, as it is no fixed disk: {disk.model} {disk.serial}".rstrip()
            for disk in self._disks
            if _is_stick(disk) and disk.serial not in self._order.serials
        )
        left = [one.serial or one.model or "?" for one in erased if not one.erased]
        return End(
            outcome="failed" if left else "done",
            fault="not-erased" if left else None,
            message=f"not erased: {', '.join(left)}" if left else "",
            seconds=(self._now() - began).total_seconds(),
            erased=erased,
            notes=(*self._notes, *notes),
        )

    def _named(self) -> Iterator[Erased]:
        for serial in dict.fromkeys(self._order.serials):
            found = [disk for disk in self._disks if serial and disk.serial == serial]
            if len(found) == 1:
                yield self._one(found[0])
                self._done += found[0].size
            else:
                fault = "several disks have this serial number" if found else "no such disk is here"
                yield self._not_begun(serial, found[0] if found else None, fault)

    def _further(self) -> Iterator[Erased]:
        for disk in self._disks:
            if disk.serial not in self._order.serials and not _is_stick(disk):
                yield self._not_begun(disk.serial, disk, NOT_NAMED)

    def _not_begun(self, serial: str, disk: Disk | None, fault: str) -> Erased:
        at = self._now().isoformat()
        model, size = (disk.model, disk.size) if disk else ("", 0)
        return Erased(serial, model, size, "", False, 0, at, at, fault)

    def _one(self, disk: Disk) -> Erased:
        began = self._now().isoformat()
        method, tool, verified, changed, fault = "", "", 0, 0, ""
        size = disk.size
        try:
            offer = self._offer(disk)
            if not offer.methods:
                raise NotErased(offer.why)  # noqa: TRY301 - told as all other faults are
            size, places = remember(Path(disk.path), self._order.sample, self._random)
            done = self._carry_out(disk, offer)
            method, tool = done.words, done.tool
            compared = compare(Path(disk.path), places, blank=done.blank)
            verified, changed, fault = compared.verified, compared.changed, compared.fault
        except (Refused, NotErased) as error:
            fault = str(error)
        except JobFailed as error:
            fault = error.what
        return Erased(
            serial=disk.serial, model=disk.model, size=size,
            method=method, tool=tool, erased=not fault, verified=verified, changed=changed,
            began=began, ended=self._now().isoformat(), fault=fault,
        )  # fmt: skip

    def _carry_out(self, disk: Disk, offer: Offer) -> Method:
        """Do the first method that the disk takes, and give it; those refused before are noted.

        :raises NotErased: if it takes none, or the one that it took failed.
        """
        refused: list[str] = []
        for method in offer.methods:
            try:
                method.run(partial(self._say, disk, method.words), self._pause)
            except Refused as error:
                refused.append(f"{method.words}: {error}")
            else:
                self._notes += [f"{disk.serial}: not done: {one}" for one in refused]
                return method
        raise NotErased("; ".join([offer.why, *refused] if offer.why else refused))

    def _offer(self, disk: Disk) -> Offer:
        """Give what erases this disk.

        :raises Refused: if it cannot be asked.
        :raises NotErased: if it does not say how far it is with what it began before.
        """
        tell = partial(self._say, disk, "it goes on with what it began before")
        if disk.transport == "nvme":
            return nvme.offer(disk.path, disk.serial, tell, self._pause)
        if _is_stick(disk):
            return Offer(why="it has no command that erases all of it; destroy it")
        drive = Offer()
        if disk.transport in ATA:
            drive = ata.offer(disk.path, disk.serial, tell, self._pause, magnetic=disk.rotational)
        if disk.rotational:
            over = (nwipe.method(disk.path), Method(OVERWRITE, partial(_overwrite, disk.path)))
            whole = (replace(one, run=partial(_whole, disk, one)) for one in over)
            return Offer((*drive.methods, *whole), drive.why)
        why = "it is not magnetic, and offers no command that erases all of it"
        return drive if drive.methods or drive.why else Offer(why=why)

    def _say(self, disk: Disk, words: str, share: float) -> None:
        done = self._done + int(share * disk.size)
        note = f"{disk.serial}: {words}"
        self._tell(Progress("erasing", done=done, total=self._total, note=note))


def _is_stick(disk: Disk) -> bool:
    return disk.removable or disk.transport in PLUGGED


def _whole(disk: Disk, over: Method, tell: Tell, pause: Pause) -> None:
    """Overwrite a disk, unless a part of it is out of reach."""
    if disk.transport in ATA:
        hidden = ata.hidden_sectors(disk.path)
        if hidden:
            raise NotErased(f"{hidden} sectors are hidden (HPA), and cannot be overwritten")
    over.run(tell, pause)


def _overwrite(path: str, tell: Tell, _pause: Pause) -> None:
    overwrite(Path(path), tell)
