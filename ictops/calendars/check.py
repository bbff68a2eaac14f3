"""Every fault of the calendars of a cluster's sites, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ictops.calendars.feed import check_feed
from ictops.calendars.localtime import zone_of
from ictops.calendars.rules import SiteRules
from ictops.calendars.site import calendar_file
from ictops.errors import CalendarError
from ictops.estate.check import Fault
from ictops.estate.models import Site


def check_calendars(folder: Path, sites: Sequence[Site]) -> list[Fault]:
    """Find what is wrong with the calendars of sites and with what they add to them.

    :param folder: the cluster's.
    """
    read: set[tuple[Path, str]] = set()
    faults: list[Fault] = []
    for site in sites:
        faults += [Fault.of(error, folder) for error in _site_faults(folder, site, read)]
    return sorted(set(faults))


def _site_faults(folder: Path, site: Site, read: set[tuple[Path, str]]) -> Iterator[CalendarError]:
    yield from SiteRules.faults(site)
    try:
        zone = zone_of(site.timezone, site.places.get("site_timezone", str(site.source)))
    except CalendarError as error:
        yield error
        return
    try:
        path = calendar_file(folder, site)
    except CalendarError as error:
        yield error
        return
    if (path, site.timezone) not in read:
        read.add((path, site.timezone))
        yield from check_feed(path, zone)[1]
