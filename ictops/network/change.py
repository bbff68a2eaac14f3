"""Change one switch safely: from far away, it ends with the old configuration or the new one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ictops.errors import ChangeFailed, SwitchError
from ictops.network.attempt import BETWEEN, NEW, OLD, Attempt, Compare, Patience
from ictops.network.backup import NEIGHBOURS, RUNNING, STARTUP, Backup, take_backup
from ictops.network.clean import Mask, normalised
from ictops.network.device import Device, Session, login
from ictops.network.difference import Command, Difference, difference
from ictops.network.lock import locked
from ictops.network.methods import EMULATED, MOST_MINUTES
from ictops.network.neighbours import Neighbour, neighbours_of
from ictops.network.platform import Platform

Touches = Callable[[Device, Sequence[str], Sequence[Command]], Sequence[str]]
"""By the running lines and the commands: masked words for each part of the path by which ictops
reaches the switch that they touch."""
Heard = Callable[[Platform, str], Sequence[Neighbour]]
"""The neighbours in what a switch shows of them."""

_SAVES = 3


@dataclass(frozen=True, slots=True)
class Checks:
    """What is looked at before and after a change.

    :ivar compare: what parts what runs from what is wanted.
    :ivar touches: which part of ictops' own path a change touches.
    :ivar neighbours: reads what is heard by LLDP or CDP.
    :ivar after: as ``compare``, for what runs after the change, where that is another question:
        secrets that are sent anew, whatever runs, are no difference after it.
    """

    compare: Compare
    touches: Touches
    neighbours: Heard = neighbours_of
    after: Compare | None = None

    @property
    def left(self) -> Compare:
        """What parts what runs after the change from what was wanted."""
        return self.compare if self.after is None else self.after


@dataclass(frozen=True, slots=True)
class Options:
    """How a switch is changed.

    :ivar minutes: after which the switch takes a change back that is not kept.
    :ivar may_touch_path: whether the change may touch the path by which ictops reaches it.
    :ivar may_lose_neighbours: whether a neighbour that was heard before may be gone after.
    :ivar write: False only tells what would be changed.
    :ivar save: whether the configuration is stored after it.
    :ivar patience: how long things may take.
    """

    minutes: int = 5
    may_touch_path: bool = False
    may_lose_neighbours: bool = False
    write: bool = True
    save: bool = True
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if not 1 <= self.minutes <= MOST_MINUTES:
            raise ValueError(f"minutes must be from 1 to {MOST_MINUTES}, not {self.minutes}")


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of it, where nothing failed.

    :ivar method: the dead-man switch's name; empty where nothing was sent.
    :ivar configuration: ``new``, or ``old`` where nothing was sent.
    :ivar touches: what of ictops' own path is touched.
    :ivar unsaved: whether a reboot would bring another configuration than the one that runs.
    """

    difference: Difference
    method: str = ""
    configuration: str = OLD
    touches: tuple[str, ...] = ()
    unsaved: bool = False
    unsaved_difference: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the switch was changed, or would be."""
        return bool(self.difference)


def change(
    device: Device,
    checks: Checks,
    options: Options,
    *,
    mask: Mask,
    keep: Callable[[Backup], object],
    hold: Callable[[], object],
    locks: Path,
) -> Changed:
    """Change a switch, or tell what would be changed.

    A backup, the comparison and the checks come first. Then its dead-man switch is armed, the
    lines are sent, and the change is kept only after a login over a new session finds what was
    wanted and every neighbour that was there. After any error it is taken back.

    :param keep: puts a backup into the archive, in the place of the one before.
    :param hold: commits what is in the archive, so that the backup after the change is not all
        that is left.
    :param locks: the folder where it is noted who changes which switch.
    :raises ChangeFailed: with the configuration that the switch has then.
    :raises SwitchError: if it was not begun: another one changes it, or it lets nobody in.
    """
    if not options.write:
        with login(device, seconds=options.patience.login) as session:
            return _compared(session, take_backup(session, mask), checks, mask)
    with locked(locks, device.site, device.name) as lock, ExitStack() as sessions:
        session = sessions.enter_context(login(device, seconds=options.patience.login))
        backup = take_backup(session, mask)
        keep(backup)
        told = _compared(session, backup, checks, mask)
        if not told.changed:
            return told
        if told.touches and not options.may_touch_path:
            raise _locks_out(session, told)
        hold()
        before = backup.whole.splitlines()
        attempt = Attempt(
            session, before, checks.left, mask,
            minutes=options.minutes, patience=options.patience, lock=lock, sessions=sessions,
        )  # fmt: skip
        _carried_through(attempt, told, backup, checks, options)
        after = _stored(attempt, device, checks, options, mask)
        keep(after)
        return Changed(
            told.difference, attempt.method.name, NEW, told.touches,
            after.unsaved, _unsaved(session.platform, after, mask),
        )  # fmt: skip


def _compared(session: Session, backup: Backup, checks: Checks, mask: Mask) -> Changed:
    """Say what would be changed, by a backup that was just taken."""
    running = backup.whole.splitlines()
    found = checks.compare(running)
    touches = checks.touches(session.device, running, found.commands) if found else ()
    return Changed(
        found,
        touches=tuple(touches),
        unsaved=backup.unsaved,
        unsaved_difference=_unsaved(session.platform, backup, mask),
    )


def _unsaved(platform: Platform, backup: Backup, mask: Mask) -> tuple[str, ...]:
    if not backup.unsaved:
        return ()
    stored, running = (backup.files.get(one, "").splitlines() for one in (STARTUP, RUNNING))
    return difference(platform, stored, running, mask).shown


def _locks_out(session: Session, told: Changed) -> ChangeFailed:
    own = [one.name for one in session.platform.change.tried()] != [EMULATED]
    return ChangeFailed(
        "the change touches the path by which ictops reaches the switch, so nothing was changed: "
        + "; ".join(told.touches),
        where=session.device.name,
        do="Take that out of it, or allow it where the change is planned (--may-touch-path)"
        + (
            ""
            if own
            else ". This switch has no dead-man switch of its own: if nobody reaches it after the "
            "change, somebody has to go there and restart it"
        ),
        configuration=OLD,
    )


def _carried_through(
    attempt: Attempt, told: Changed, backup: Backup, checks: Checks, options: Options
) -> None:
    """Send the change, check it and keep it; or take it back.

    :raises ChangeFailed: if the new configuration is not the one that runs in the end.
    """
    kept = False
    try:
        attempt.run(told.difference.commands, unsaved=backup.unsaved)
        fresh = attempt.login_again()
        _check(attempt, fresh, backup, checks, options)
        kept = True
        attempt.keep(fresh)
        attempt.use(fresh)
    except Exception as error:
        which = attempt.settle(kept=kept)
        if which == NEW:
            return
        attempt.tidy()
        if not isinstance(error, SwitchError):  # a fault of ours: it is told as one
            raise
        raise _failed(error, which, attempt, backup) from error


def _check(
    attempt: Attempt, fresh: Session, backup: Backup, checks: Checks, options: Options
) -> None:
    """Look over a new session at what the change brought.

    :raises SwitchError: if something else runs than what was wanted, or a neighbour that was
        there stays away until the time for keeping is nearly over.
    """
    left = checks.left(attempt.look(fresh))
    if left:
        raise SwitchError(
            "what runs after the change is not what was wanted: " + _some(left.shown),
            where=fresh.device.name,
        )
    if options.may_lose_neighbours or not fresh.platform.shows.neighbours:
        return
    before = _names(checks.neighbours(fresh.platform, backup.files.get(NEIGHBOURS, "")))
    while True:
        lines = normalised(fresh.platform, fresh.show_first(fresh.platform.shows.neighbours))
        gone = before - _names(checks.neighbours(fresh.platform, "\n".join(lines)))
        if not gone:
            return
        if time.monotonic() > attempt.confirm_by - options.patience.line:
            away = ", ".join(f"{name} at {port}" for port, name in sorted(gone)[:5])
            raise SwitchError(
                f"after the change it hears no more of {away}", where=fresh.device.name
            )
        time.sleep(options.patience.pause)


def _names(neighbours: Sequence[Neighbour]) -> set[tuple[str, str]]:
    return {(one.port, one.name) for one in neighbours}


def _stored(
    attempt: Attempt, device: Device, checks: Checks, options: Options, mask: Mask
) -> Backup:
    """Store the new configuration, and give the backup that shows that it is.

    :raises ChangeFailed: if it cannot be stored, or something else runs by now.
    """
    trouble: SwitchError | None = None
    for _ in range(_SAVES):
        try:
            session = attempt.session()
            if options.save:
                attempt.save(session)
            after = take_backup(session, mask)
            left = checks.left(after.whole.splitlines())
            if not left and not (options.save and after.unsaved):
                attempt.tidy()
                return after
            trouble = SwitchError(
                "what runs is not what was wanted: " + _some(left.shown)
                if left
                else "what it stored is not what runs",
                where=session.device.name,
            )
        except SwitchError as error:
            trouble = error
            time.sleep(options.patience.pause)
    what = trouble.what if trouble is not None else ""
    raise ChangeFailed(
        f"the change was made and kept, but is not known to be stored: {what}",
        where=device.name,
        do="The new configuration runs. Log in and save it, before a restart takes it away",
        configuration=NEW,
    ) from trouble


def _failed(error: SwitchError, which: str, attempt: Attempt, backup: Backup) -> ChangeFailed:
    """Say what went wrong, which configuration the switch has, and what is to be done."""
    do = error.do
    if which == OLD:
        ended = "the old configuration runs, all of it"
    elif which == BETWEEN:
        ended = "neither the old configuration nor the new one runs"
        do = "Log in and look: 'ictops switch diff' shows how it differs"
    elif attempt.method.emulated:
        ended = "it cannot be reached to take the change back, and has no dead-man switch"
        do = (
            "Go there and restart it: the old configuration is what it has stored"
            if not backup.unsaved and attempt.stores
            else "Go there: what it has stored is not what ran before the change"
        )
    else:
        ended = (
            f"it cannot be reached since; its dead-man switch ({attempt.method.name}) has brought "
            "the old configuration back by now, if it runs"
        )
        do = "Look at the switch, and at the line to it"
    more = f". {attempt.trouble}" if attempt.trouble and which != OLD else ""
    if which == OLD and attempt.trouble:
        do = f"{do}. {attempt.trouble}" if do else attempt.trouble
    return ChangeFailed(
        f"{error.what}; {ended}{more}", where=error.where, do=do, configuration=which
    )


def _some(shown: Sequence[str]) -> str:
    """Give the lines that say what differs, as many as a person reads."""
    lines = [line.strip() for line in shown if line.lstrip()[:1] in {"+", "-"}]
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""  # noqa: PLR2004
    return "; ".join(lines[:5]) + more
