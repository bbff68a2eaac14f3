"""What a tick does for people and monitors: alarms, messages and heartbeats of each cluster."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.errors import IctopsError, NotSent
from ictops.notify.heartbeat import beat
from ictops.notify.model import Notify
from ictops.notify.read import FILE_NAME
from ictops.operations.alarms import look
from ictops.operations.notify import deliver, notify_file, routes_of
from ictops.settings import Settings, make_private
from ictops.store.journal import Journal

log = logging.getLogger(__name__)


class Telling:
    """Tells the people of every cluster that has a ``notify.yml``, for as long as a tick lasts.

    A file is read, and the vault asked for, only once for as long as it stays as it is.
    """

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal = journal
        self._settings = settings
        self._read: dict[str, tuple[tuple[int, ...], Notify]] = {}

    def tell(self, now: datetime, errors: Sequence[str]) -> list[str]:
        """Bring the alarms up to date and tell of them.

        The alarms of the settings' own cluster are kept whether anybody is told or not.

        :param errors: what this tick could not do so far, in words for a person.
        :return: what could not be done of it, in words for a person.
        """
        failed: list[str] = []
        for one in self._clusters():
            own = one.cluster == self._settings.cluster
            try:
                failed += look(self._journal, one, now, errors if own else ())
                notify = self._notify(one)
                if notify is not None:
                    failed += deliver(self._journal, one.cluster, notify, now)
            except IctopsError as error:
                failed.append(f"people of {one.cluster} are not told: {error}")
        return failed

    def say_alive(self, now: datetime, *, failing: bool) -> None:
        """Send each heartbeat, if it is time for it or what it says has changed.

        One that cannot be sent is only logged: the monitor is who complains then. So it is
        with a file that cannot be read, of which :meth:`tell` has told.
        """
        for one in self._clusters():
            with suppress(IctopsError):
                notify = self._notify(one)
                if notify is not None:
                    say_alive(one, notify, now, failing=failing)

    def _clusters(self) -> Iterator[Settings]:
        """Give the settings of every cluster that people may be told of; the own one is first."""
        yield self._settings
        folder = self._settings.resolve(self._settings.inventories)
        for path in sorted(folder.glob(f"*/{FILE_NAME}")):
            if path.parent.name != self._settings.cluster:
                yield self._settings.of_cluster(path.parent.name)

    def _notify(self, settings: Settings) -> Notify | None:
        """Give who is told of what in a cluster; None where nothing says so."""
        try:
            status = notify_file(settings).stat()
        except FileNotFoundError:
            return None
        except OSError:
            return routes_of(settings)  # which says what is wrong
        as_it_is = (status.st_ino, status.st_size, status.st_mtime_ns)
        before, notify = self._read.get(settings.cluster, (None, None))
        if notify is None or before != as_it_is:
            notify = routes_of(settings)
            self._read[settings.cluster] = as_it_is, notify
        return notify


def say_alive(settings: Settings, notify: Notify, now: datetime, *, failing: bool) -> None:
    """Send the heartbeat of a cluster, as :meth:`Telling.say_alive` does."""
    if notify.heartbeat is None:
        return
    stamp = settings.resolve(settings.state_dir) / f"heartbeat-{settings.cluster}"
    every = timedelta(minutes=notify.heartbeat_every)
    if not _is_time(stamp, now, every, failing=failing):
        return
    try:
        beat(notify.heartbeat.get_secret_value(), failing=failing)
    except NotSent as error:
        log.warning("%s", error.what)
        return
    with suppress(OSError):  # it is sent once more then
        make_private(stamp.parent)
        stamp.write_text(json.dumps({"at": now.astimezone(UTC).isoformat(), "failing": failing}))


def _is_time(stamp: Path, now: datetime, every: timedelta, *, failing: bool) -> bool:
    try:
        last = json.loads(stamp.read_text())
        ago = now - datetime.fromisoformat(last["at"])
        return bool(last["failing"] != failing) or not timedelta(0) <= ago < every
    except (OSError, ValueError, KeyError, TypeError):  # not yet, or cut off
        return True
