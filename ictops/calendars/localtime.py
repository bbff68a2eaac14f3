"""Local times of a school, on the days too on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ictops.errors import CalendarError

MINUTES_A_DAY = 24 * 60


def zone_of(name: str, where: str) -> ZoneInfo:
    """Give a time zone by its IANA name.

    :raises CalendarError: if there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CalendarError(
            f"unknown time zone {name!r}",
            where=where,
            do="Name one of the IANA's, such as Europe/London",
        ) from error


def utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Give a local time as UTC.

    A time that the clocks skip in March means the first one after it; one that they show
    twice in October means the first.
    """
    early, late = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))

    def reads(moment: datetime) -> datetime:
        return moment.astimezone(zone).replace(tzinfo=None)

    if local in {reads(early), reads(late)}:
        return early if reads(early) == local else late
    # Skipped: one reading lies before the gap and one after it, and the gap ends between.
    early = early.replace(microsecond=0)
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        early, late = (middle, late) if reads(middle) < local else (early, middle)
    return late


def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Give minutes of a local day as UTC: 0 is its midnight, 1440 and more the next day."""
    days, rest = divmod(minutes, MINUTES_A_DAY)
    return utc(datetime.combine(day + timedelta(days), time(rest // 60, rest % 60)), zone)
