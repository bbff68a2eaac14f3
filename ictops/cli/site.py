"""``ictops site``: the schools of the cluster."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_cluster, complete_host, complete_site
from ictops.cli.output import as_json, console, counted, days, from_here, styled, table
from ictops.errors import CalendarError, Exit

if TYPE_CHECKING:
    from ictops.estate.load import Cluster
    from ictops.estate.models import Site
    from ictops.settings import Settings
    from ictops.trust.scan import Finding

site_app = typer.Typer(help="Look at the schools, and trust their hosts.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ClusterName = Annotated[
    str | None,
    typer.Option("--cluster", help="If not the default one.", autocompletion=complete_cluster),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(site_app, name="site")


def _cluster(settings: Settings) -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415

    return load_cluster(settings.cluster_dir, settings.cache_dir)


@site_app.command("list")
def list_sites(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """List the schools.

    Exit codes: 0 listed, 3 the inventory is broken.

    Example: ictops site list
    """
    from ictops.settings import load_settings  # noqa: PLC0415

    loaded = _cluster(load_settings(cluster))
    if json:
        keys = ("code", "name", "phase", "calendar", "timezone", "host_count")
        as_json([{key: getattr(site, key) for key in keys} for site in loaded.sites.values()])
        return
    shown = table("site", "school", "phase", "calendar", "hosts")
    for site in loaded.sites.values():
        shown.add_row(site.code, site.name, site.phase, site.calendar, str(site.host_count))
    console().print(shown)


@site_app.command()
def show(
    code: Annotated[str, typer.Argument(help="The site's code.", autocompletion=complete_site)],
    *,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show a school: its rooms, hosts and calendar.

    Exit codes: 0 shown, 3 there is no such site or the inventory is broken.

    Example: ictops site show oakfield
    """
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    loaded = _cluster(settings)
    site = loaded.site(code)
    hosts = loaded.hosts(code)
    if json:
        as_json({"site": site, "hosts": hosts})
        return
    kinds = Counter(host.kind or "host of no kind" for host in hosts)
    out = console()
    title = f"{site.name} ({site.code})" + (f", {site.phase}" if site.phase else "")
    out.print(title, style="bold")
    out.print(f"file      {from_here(site.source)}", soft_wrap=True)
    out.print(f"calendar  {site.calendar}, {_next_holiday(settings, site)}", soft_wrap=True)
    out.print(f"hosts     {', '.join(counted(n, kind) for kind, n in sorted(kinds.items()))}")
    out.print()
    shown = table("host", "kind", "room", "address", "mac", "")
    for column in shown.columns:
        column.no_wrap = column.header in {"host", "address", "mac"}
    for host in hosts:
        kind = f"windows {host.kind}" if host.system == "windows" else host.kind
        cells = (kind, host.room, host.address, host.mac)
        note = "canary" if host.canary else ""
        shown.add_row(host.name, *(cell or "-" for cell in cells), note)
    out.print(shown)


def _next_holiday(settings: Settings, site: Site) -> str:
    from ictops.operations.calendar import next_holiday  # noqa: PLC0415

    try:
        span = next_holiday(settings, site, datetime.now(UTC))
    except CalendarError as error:
        return f"which cannot be relied on: {error}"
    if span is None:
        return "which knows no holiday from now on: get the next year's feed"
    return f"next holiday {span.name}, {days(span.first, span.last)}"


@site_app.command()
def trust(
    code: Annotated[str, typer.Argument(help="The site's code.", autocompletion=complete_site)],
    *,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Only this host; can be given again.", autocompletion=complete_host),
    ] = None,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            help="Take the new key of this host, which was installed anew; can be given again.",
            autocompletion=complete_host,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Record without asking.")] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show the fingerprints of a school's SSH host keys, and pin them.

    Compare them with what the machines themselves say ('ssh-keygen -lf
    /etc/ssh/ssh_host_ed25519_key.pub' at their own consoles). From then on only these keys
    are accepted. A key that has changed is never taken unless --replace names its host.

    Exit codes: 0 all are pinned; 3 some have changed, are revoked or were not recorded; 5 some
    were silent.

    Example: ictops site trust oakfield
    """
    from ictops.operations.trust import pin, scan_site  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    replaced = set(replace or ())
    out = console(stderr=json)
    with out.status(f"asking the hosts of {code} for their keys"):
        findings = scan_site(settings, code, replaced | set(host or ()))
    if not json:
        _show_findings(findings)
    wanted = [
        f
        for f in findings
        if f.state == "new" or (f.state == "changed" and f.target.host in replaced)
    ]
    confirmed = bool(wanted) and (yes or (not json and _confirmed(len(wanted))))
    if confirmed:
        pin(settings, code, wanted)
    pinned = wanted if confirmed else []
    if json:
        as_json({"found": findings, "recorded": [f.target.host for f in pinned]})
    elif pinned:
        out.print(f"recorded the keys of {len(pinned)} hosts of {code}")
    states = {f.state for f in findings if f not in pinned}
    if states & {"changed", "new", "revoked"}:
        raise typer.Exit(Exit.FAULTS)
    if "silent" in states:
        raise typer.Exit(Exit.STRAGGLERS)


def _confirmed(number: int) -> bool:
    try:
        return typer.confirm(f"Record the keys of these {number} hosts as theirs?")
    except typer.Abort:
        return False


def _show_findings(findings: list[Finding]) -> None:
    # Lines, not a table: a fingerprint that is folded cannot be compared.
    width = max((len(finding.target.host) for finding in findings), default=0)
    for finding in findings:
        texts = [f"{key.fingerprint} {key.kind}" for key in finding.keys] or [finding.reason]
        for text in texts:
            name = f"{finding.target.host:<{width}}"
            console().print(name, styled(finding.state), text, soft_wrap=True)
    states = {finding.state for finding in findings}
    if "changed" in states:
        console().print(
            "A key has changed: if the host was installed anew, name it with --replace; "
            "if not, find out who answers there.",
            soft_wrap=True,
        )
    if "revoked" in states:
        console().print(
            "A key is marked @revoked in the site's known_hosts file: make new keys on that host.",
            soft_wrap=True,
        )
