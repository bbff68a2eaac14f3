"""Paths, days and lengths of time as people give them to commands about backups."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from ictops.calendars.localtime import utc
from ictops.errors import PlanError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PERIOD = re.compile(r"P(?=.)(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?")
_DAY = len("2026-10-26")


def whole_path(text: str, option: str) -> str:
    """Give a path of a host as restic keeps it: from the root, without ``..`` or a last slash.

    :raises PlanError: naming the option, if it is none.
    """
    path = PurePosixPath(text)
    if not text.startswith("/") or ".." in path.parts or "\0" in text or "\n" in text:
        raise PlanError(
            f"{text!r} is no whole path",
            where=option,
            do="Write it from the root, such as /home/ann/essay.odt",
        )
    return "/" + "/".join(path.parts[1:])


def archive_name(text: str) -> str:
    """Give the name of an archive.

    :raises PlanError: if it is none.
    """
    if not _NAME.fullmatch(text):
        raise PlanError(
            f"{text!r} is no name of an archive",
            where="NAME",
            do="a-z, 0-9 and minus, such as leavers-2026",
        )
    return text


def moment(text: str, zone: ZoneInfo | None, option: str, *, ends: bool) -> datetime:
    """Read a day or a local time.

    :param zone: whose time it is; this machine's if None.
    :param ends: whether a day means its end, not its beginning.
    :raises PlanError: naming the option, if it is none.
    """
    try:
        if len(text) == _DAY:
            day = date.fromisoformat(text) + timedelta(days=1 if ends else 0)
            return _aware(datetime.combine(day, time()), zone)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise PlanError(
            f"{text!r} is no day or time", where=option, do="Write 2026-10-26 or 2026-10-26 18:00"
        ) from error
    return read if read.tzinfo else _aware(read, zone)


def _aware(naive: datetime, zone: ZoneInfo | None) -> datetime:
    return utc(naive, zone) if zone else naive.astimezone()


def after_period(start: date, text: object, where: str) -> date:
    """Give the day that lies a length of time after another (ISO 8601, such as ``P7Y``).

    :raises PlanError: if it is none.
    """
    found = _PERIOD.fullmatch(str(text))
    if not found:
        raise PlanError(
            f"{text!r} is no length of time",
            where=where,
            do="Write it by ISO 8601: P7Y for seven years, P18M for eighteen months",
        )
    years, months, weeks, days = (int(part or 0) for part in found.groups())
    try:
        return start + relativedelta(years=years, months=months, weeks=weeks, days=days)
    except (ValueError, OverflowError) as error:
        raise PlanError(f"{text!r} reaches too far", where=where) from error
