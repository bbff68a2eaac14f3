"""Make, show and approve plans: what all operations have in common."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from ictops.calendars.localtime import utc
from ictops.calendars.site import load_site_calendar
from ictops.calendars.window import Window
from ictops.errors import CalendarError, NoHosts, PlanError
from ictops.estate.load import Cluster, load_cluster
from ictops.estate.models import Host, Site
from ictops.estate.select import select
from ictops.planning.estimate import estimate
from ictops.planning.forecast import Forecast, forecast
from ictops.planning.waves import CanaryRule, lay_waves
from ictops.plans.digests import changed_since, digests_of
from ictops.plans.file import read_plan, window_spans
from ictops.plans.model import Gate, Plan, SitePlan, Wave
from ictops.plans.search import SearchPath
from ictops.plans.sources import playbook_path
from ictops.plans.templates import refuse_templates
from ictops.settings import Limits, Settings, content_dir

LONGEST_SPAN = timedelta(days=732)
"""Longer ones are slips of the keyboard, and no calendar reaches so far."""


@dataclass(frozen=True, slots=True)
class Span:
    """When: a holiday or term by its name, or from and until, local to each site."""

    holiday: str | None = None
    start: str | None = None
    until: str | None = None

    def windows(self, settings: Settings, site: Site, now: datetime) -> list[Window]:
        """Give the windows that the site's calendar has in the span.

        :raises PlanError: where the span itself is wrong.
        :raises CalendarError: where the calendar cannot be read or knows no such holiday.
        """
        calendar = load_site_calendar(settings.cluster_dir, site)
        if self.holiday:
            return calendar.windows_in(self.holiday, now)
        zone = ZoneInfo(site.timezone)
        start = _moment(self.start, zone, "--from") if self.start else now
        until = _moment(self.until or "", zone, "--until", ends=True)
        if until <= start:
            raise PlanError(
                f"the span ends at {until.astimezone(zone):%d %b %Y %H:%M}, before it starts",
                where="--until",
            )
        if until - start > LONGEST_SPAN:
            raise PlanError(
                f"the span is longer than {LONGEST_SPAN.days} days",
                where="--until",
                do="No calendar reaches so far; name the holiday with --in",
            )
        return calendar.windows(start, until)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants of a plan, whatever the operation."""

    sites: tuple[str, ...]
    """Codes, or nothing for every site."""
    span: Span | None
    """None for what changes nothing: it has no windows and is begun at once."""
    limit: str | None = None
    """An Ansible host pattern."""
    rooms: tuple[str, ...] = ()
    """Names of rooms, or nothing for all, and hosts without one."""
    canary: CanaryRule = field(default_factory=CanaryRule)
    shares: tuple[int, ...] = (25,)
    gate: Gate = field(default_factory=Gate)
    limits: Limits = field(default_factory=Limits)
    retry_every: timedelta = timedelta(minutes=15)
    estimate: timedelta | None = None
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation does to each host."""

    operation: str
    title: str
    playbook: str
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    idempotent: bool = True
    check: bool = False
    """Whether it only looks what would be changed."""
    beside: bool = False
    """Whether it may be at a host while another run is."""
    takes: Callable[[Host], bool] = lambda _: True
    """Which hosts the operation is for."""
    only_for: str = ""
    """Those hosts in words, for what is said of the others."""
    lay: Callable[[Sequence[Host], Request], list[Wave]] = lambda hosts, request: lay_waves(
        hosts, request.canary, request.shares
    )
    """How a site's hosts are laid out in waves."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan, how it would go, and what a person should know of it."""

    plan: Plan
    forecast: Forecast
    notes: tuple[str, ...] = ()


def make_plan(settings: Settings, request: Request, work: Work) -> Draft:
    """Lay ``work`` out over sites, waves and windows. Nothing is written.

    :raises PlanError: where no host is left to change, or what is asked cannot be.
    :raises InventoryError: where the inventory cannot be read, or a site is not in it.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    refuse_templates(work.extra_vars)
    cluster = open_cluster(settings)
    chosen, notes = _choose(cluster, request, work)
    playbooks = [playbook_path(work.playbook, content_dir())]
    if request.gate.health:
        playbooks.append(playbook_path(request.gate.health, content_dir()))
    digests = digests_of(playbooks, SearchPath.of(settings), work.extra_vars)
    notes += [
        f"role {name} was not found; its digest is left out" for name in digests.missing_roles
    ]
    windows: dict[str, list[Window]] = {}
    if request.span is not None:
        asked = [cluster.sites[code] for code in chosen]
        windows, problems = _windows(settings, asked, request.span, now)
        notes += problems
    sites = {}
    for code, hosts in chosen.items():
        site = cluster.sites[code]
        with _explained(f"site {code}"):
            sites[code] = SitePlan(
                inventory=str(site.source.relative_to(settings.cluster_dir)),
                inventory_digest=site.digest,
                timezone=site.timezone,
                windows=window_spans(windows.get(code, []), site.timezone),
                waves=work.lay(hosts, request),
            )
    with _explained(settings.cluster):
        plan = Plan(
            operation=work.operation,
            title=work.title,
            cluster=settings.cluster,
            made_at=now,
            made_by=person(),
            playbook=work.playbook,
            playbook_digest=digests.playbook,
            roles_digest=digests.roles,
            extra_vars=dict(work.extra_vars),
            idempotent=work.idempotent,
            check=work.check,
            beside=work.beside,
            needs_approval=request.needs_approval,
            limits=request.limits,
            gate=request.gate,
            retry_every=request.retry_every,
            estimate=estimate(_past_seconds(settings, work.operation), request.estimate),
            sites=sites,
        )
    places = {host.name: host.place for hosts in chosen.values() for host in hosts}
    return Draft(plan, forecast(plan, places, now), tuple(notes))


def look_at(settings: Settings, path: Path) -> Draft:
    """Read a plan's file and give how it would go from now on, and what has changed since.

    :raises PlanError: where the file is no plan, or is one of another cluster.
    """
    plan = read_plan(path)
    cluster = open_cluster(settings)
    if plan.cluster != settings.cluster:
        raise PlanError(
            f"the plan is for cluster {plan.cluster!r}, not {settings.cluster!r}",
            where=str(path),
            do=f"Give '--cluster {plan.cluster}'",
        )
    here = [code for code in plan.sites if code in cluster.sites]
    hosts = {host.name: host for code in here for host in cluster.hosts(code)}
    places = {name: host.place for name, host in hosts.items()}
    changes = changed_since(plan, cluster, SearchPath.of(settings))
    notes = [f"changed since: {what}" for what in changes]
    notes += unknown_hosts(plan, {name: host.site for name, host in hosts.items()})
    return Draft(plan, forecast(plan, places, datetime.now(UTC)), tuple(notes))


def unknown_hosts(plan: Plan, site_of: Mapping[str, str]) -> list[str]:
    """Say which hosts of the plan are not in the inventory, or are at another site."""
    said = []
    for code, site in plan.sites.items():
        for host in site.hosts:
            if host not in site_of:
                said.append(f"host {host} of site {code} is not in the inventory")
            elif site_of[host] != code:
                said.append(f"host {host} is at site {site_of[host]}, not at {code}")
    return said


def name_playbook(given: Path) -> str:
    """Give a playbook as a plan names it: the whole path, or the bare name of one of ours.

    :raises PlanError: where there is no such file.
    """
    if given.is_file():
        return str(given.resolve())
    if given.name == str(given) and playbook_path(given.name, content_dir()).is_file():
        return given.name
    ours = sorted(path.name for path in (content_dir() / "playbooks").glob("*.yml"))
    raise PlanError(
        "there is no such playbook",
        where=str(given),
        do=f"Give its path, or one of ictops' own: {', '.join(ours)}",
    )


def person() -> str:
    """Give the name of who is at the keyboard, also under sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in some containers
        return f"uid {os.getuid()}"


def open_cluster(settings: Settings) -> Cluster:
    """Read the cluster that the settings name."""
    return load_cluster(settings.cluster_dir, settings.cache_dir)


def sites_of(settings: Settings, names: Iterable[str]) -> tuple[str, ...]:
    """Give the codes of the sites that have these hosts.

    :param names: of hosts, no patterns.
    :raises PlanError: if one is not in the inventory.
    """
    found = {host.name: host.site for host in open_cluster(settings).all_hosts()}
    if unknown := [name for name in names if name not in found]:
        raise PlanError(f"not in the inventory: {', '.join(unknown)}", do="Give names, no patterns")
    return tuple(dict.fromkeys(found[name] for name in names))


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what a plan cannot hold into an error for a person."""
    try:
        yield
    except ZoneInfoNotFoundError as error:
        raise PlanError(
            f"no such time zone: {error.args[0]}", where=where, do="Put site_timezone right"
        ) from error
    except ValidationError as error:  # such as a host of two sites, or a name with a blank
        first = error.errors(include_url=False)[0]
        of = f" of {first['input']!r}" if isinstance(first["input"], str) else ""
        raise PlanError(
            f"no plan can be made{of}: {first['msg']}",
            where=where,
            do="'ictops inventory check' shows what is wrong in the cluster",
        ) from error


def _choose(
    cluster: Cluster, request: Request, work: Work
) -> tuple[dict[str, list[Host]], list[str]]:
    """Give the hosts to change by site, and what to say of those left out."""
    codes = request.sites or tuple(cluster.sites)
    found = _in_rooms(select(cluster, codes, request.limit), request.rooms)
    taken = {code: [host for host in hosts if work.takes(host)] for code, hosts in found.items()}
    kept = {code: hosts for code, hosts in taken.items() if hosts}
    notes = []
    left_out = sum(map(len, found.values())) - sum(map(len, kept.values()))
    if left_out:
        hosts = "host" if left_out == 1 else "hosts"
        notes.append(f"{left_out} {hosts} left out: this is for {work.only_for}")
    if not kept:
        raise NoHosts(
            "there is no host that this is for",
            where=", ".join(codes),
            do=f"This operation is for {work.only_for}",
        )
    _check_canaries(request.canary, [host for hosts in kept.values() for host in hosts])
    notes += [f"site {code} has no host that this is for" for code in codes if code not in kept]
    return kept, notes


def _in_rooms(found: Mapping[str, list[Host]], rooms: tuple[str, ...]) -> Mapping[str, list[Host]]:
    """Give the hosts in these rooms; all if no room is named."""
    if not rooms:
        return found
    there = {host.room for hosts in found.values() for host in hosts if host.room}
    for room in rooms:
        if room not in there:
            near = get_close_matches(room, there, n=1) or sorted(there)[:10]
            raise PlanError(
                f"no host that was chosen is in a room {room!r}",
                where="--rooms",
                do=f"There are: {', '.join(near)}" if near else "The inventory names no rooms",
            )
    return {code: [h for h in hosts if h.room in rooms] for code, hosts in found.items()}


def _check_canaries(rule: CanaryRule, hosts: Sequence[Host]) -> None:
    names = {host.name for host in hosts}
    for name in sorted(rule.names - names):
        near = get_close_matches(name, names, n=1)
        raise PlanError(
            f"the canary {name} is not among the hosts of this plan",
            where="--canary",
            do=f"Did you mean {near[0]}?" if near else "Name hosts of the chosen sites",
        )


def _windows(
    settings: Settings, sites: Iterable[Site], span: Span, now: datetime
) -> tuple[dict[str, list[Window]], list[str]]:
    """Give each site's windows that are not over, and why some sites have none.

    :raises CalendarError: where no site's calendar knows the span: it is likely misspelt.
    """
    found: dict[str, list[Window]] = {}
    problems: list[str] = []
    errors: list[CalendarError] = []
    for site in sites:
        try:
            windows = span.windows(settings, site, now)
        except CalendarError as error:
            errors.append(error)
            problems.append(f"site {site.code}: {error.what} ({error.where})")
            continue
        found[site.code] = [one for one in windows if one.end > now]
        if not found[site.code]:
            problems.append(f"site {site.code} has no window in that time")
    if errors and not found:
        raise errors[0]
    return found, problems


def _moment(text: str, zone: ZoneInfo, option: str, *, ends: bool = False) -> datetime:
    """Read a date or a local time; a date at the end of a span means the whole day."""
    try:
        if len(text) == len("2026-10-26"):
            day = date.fromisoformat(text) + timedelta(days=1 if ends else 0)
            return utc(datetime.combine(day, time()), zone)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise PlanError(
            f"{text!r} is no date or time", where=option, do="Write 2026-10-26 or 2026-10-26 18:00"
        ) from error
    return moment if moment.tzinfo else utc(moment, zone)


def _past_seconds(settings: Settings, operation: str) -> list[float]:
    from ictops.store.journal import Journal  # noqa: PLC0415

    journal = Journal.open(settings.journal_url)
    try:
        return journal.past_seconds(operation, settings.cluster)
    finally:
        journal.close()
