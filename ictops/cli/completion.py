"""What the shell offers when TAB is pressed: clusters, sites, hosts, holidays,
runs, images, schedules, archives.

Where something is broken nothing is offered: the next command says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from ictops.errors import IctopsError

if TYPE_CHECKING:
    from ictops.estate.load import Cluster
    from ictops.store.journal import Journal

Offer = tuple[str, str]
"""What can be written there, and what it is."""


def complete_cluster(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the clusters of the workspace."""
    return _offer(_clusters, ctx, incomplete)


def complete_site(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the sites, with their names."""
    return _offer(_sites, ctx, incomplete)


def complete_sites(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the site that is being typed last of several with commas between them."""
    before, comma, last = incomplete.rpartition(",")
    everyone = [("all", "every school")] if "all".startswith(last) and not before else []
    offers = [*everyone, *complete_site(ctx, last)]
    return [(f"{before}{comma}{code}", name) for code, name in offers]


def complete_host(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the hosts, with their site."""
    return _offer(_hosts, ctx, incomplete)


def complete_holiday(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the holidays to come at the first site, with their dates."""
    return _offer(_holidays, ctx, incomplete)


def complete_run(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the runs, newest first, with their titles."""
    return _offer(_runs, ctx, incomplete)


def complete_image(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the images that there are."""
    return _offer(_images, ctx, incomplete)


def complete_schedule(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the schedules, with when they are due."""
    return _offer(_schedules, ctx, incomplete)


def complete_archive(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the archives that there are, with whose data they hold."""
    return _offer(_archives, ctx, incomplete)


def _offer(
    known: Callable[[typer.Context], Iterable[Offer]], ctx: typer.Context, incomplete: str
) -> list[Offer]:
    try:
        return [offer for offer in known(ctx) if offer[0].startswith(incomplete)]
    except (IctopsError, OSError):
        return []


def _cluster(ctx: typer.Context) -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415 - completion must start fast
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(ctx.params.get("cluster"))
    return load_cluster(settings.cluster_dir, settings.cache_dir)


def _clusters(_ctx: typer.Context) -> Iterator[Offer]:
    from ictops.settings import load_settings  # noqa: PLC0415

    for path in sorted(load_settings().cluster_dir.parent.iterdir()):
        if path.is_dir():
            yield path.name, ""


def _sites(ctx: typer.Context) -> Iterator[Offer]:
    for site in _cluster(ctx).sites.values():
        yield site.code, site.name


def _hosts(ctx: typer.Context) -> Iterator[Offer]:
    for host in _cluster(ctx).all_hosts():
        yield host.name, host.site


def _holidays(ctx: typer.Context) -> Iterator[Offer]:
    from datetime import UTC, datetime  # noqa: PLC0415

    from ictops.calendars.site import load_site_calendar  # noqa: PLC0415

    cluster, today = _cluster(ctx), datetime.now(UTC).date()
    for site in list(cluster.sites.values())[:1]:
        for span in load_site_calendar(cluster.folder, site).holidays:
            if span.last >= today:
                yield span.name, f"{span.first:%d %b} to {span.last:%d %b %Y}"


def _runs(_ctx: typer.Context) -> Iterator[Offer]:
    from ictops.settings import load_settings  # noqa: PLC0415

    journal = _journal(load_settings().journal_url)
    for run in journal.runs(limit=50) if journal else ():
        yield run.id, run.title


def _schedules(ctx: typer.Context) -> Iterator[Offer]:
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.slots import Slots  # noqa: PLC0415

    settings = load_settings(ctx.params.get("cluster"))
    journal = _journal(settings.journal_url)
    for one in Slots(journal).schedules(settings.cluster) if journal else ():
        yield one.name, one.rule


def _archives(ctx: typer.Context) -> Iterator[Offer]:
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.backup_care import BackupCare  # noqa: PLC0415

    settings = load_settings(ctx.params.get("cluster"))
    journal = _journal(settings.journal_url)
    for one in BackupCare(journal, settings.cluster).archives() if journal else ():
        if one.deleted_at is None:
            yield one.name, f"{one.host}, kept until {one.keep_until:%d %b %Y}"


def _journal(url: str) -> Journal | None:
    """Give the journal; none if there is none yet: pressing TAB makes none."""
    from ictops.store.copies import is_file, journal_file  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    if is_file(url) and not journal_file(url).exists():
        return None
    return Journal.open(url)


def _images(_ctx: typer.Context) -> Iterator[Offer]:
    from ictops.imaging.published import imaging_folder  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    for name in dict.fromkeys(one.name for one in imaging_folder(load_settings()).store.versions()):
        yield name, ""
