"""``ictops switch``: backups of switches, and what became of their configurations."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, local, table, working
from ictops.cli.switch_drift import drift
from ictops.cli.switch_map import draw_map, show_ports
from ictops.cli.switch_restore import restore
from ictops.errors import SwitchError

if TYPE_CHECKING:
    from ictops.operations.switches import BackedUp
    from ictops.settings import Settings

switch_app = typer.Typer(
    help="Back switches up, compare them, draw their map, and bring them back.",
    no_args_is_help=True,
)

SwitchName = Annotated[
    str, typer.Argument(metavar="HOST", help="The switch.", autocompletion=complete_host)
]


@switch_app.command()
def backup(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Back switches up now: nothing on them is changed, so no window is waited for.

    Exit codes: 3 there is no such switch; 4 a backup failed; 5 a switch did not answer.

    Example: ictops switch backup --site oakfield
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.switches import begin_backup, finish_backup  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_backup(journal, settings, sites=codes_of(site), limit=limit)
    found: list[BackedUp] = []

    def finish() -> dict[str, object]:
        found.append(finish_backup(journal, settings, run_id))
        return asdict(found[0])

    code = carry_and_show(journal, run_id, settings, json=json, finish=finish)
    if not json:
        _tell(found[0])
    raise typer.Exit(code)


def _tell(done: BackedUp) -> None:
    out = console()
    out.print()
    changes = done.changes or "Nothing has changed since the last backup."
    out.print(changes, markup=False, soft_wrap=True)
    for name in done.unsaved:
        out.print(f"! {name}: what runs is not saved; a reboot would undo it", soft_wrap=True)


@switch_app.command("log")
def show_log(host: SwitchName, *, cluster: ClusterName = None, json: AsJson = False) -> None:
    """List the backups in which something of a switch changed, the newest first.

    Exit code 3: there is no such switch.

    Example: ictops switch log oak-sw-01
    """
    from ictops.operations.switches import archive_of, find_switch  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    switch = find_switch(settings, host)
    entries = archive_of(settings).log(switch.site, switch.name)
    if json:
        print_json(entries)
        return
    if not entries:
        raise SwitchError("it was never backed up", where=host, do="ictops switch backup")
    shown = table("commit", "when", "by", "what")
    for entry in entries:
        shown.add_row(entry.commit[:10], local(entry.at), entry.by, entry.subject)
    console().print(shown)


@switch_app.command("diff")
def show_diff(
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="One switch.", autocompletion=complete_host),
    ] = None,
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Compare backups: the older commit.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="The newer commit; else the last backup.")
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Compare backups: what the last change of it was.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show how what runs differs from what is intended, and the commands that would be sent.

    With --from or --last two backups of a switch are compared instead. Secrets are masked.

    Exit codes: 0 shown, whether they differ or not; 3 there is no such switch; 4 a switch could
    not be compared; 5 one did not answer.

    Example: ictops switch diff oak-sw-01
    """
    from ictops.settings import load_settings  # noqa: PLC0415 - heavy

    settings = load_settings(cluster)
    if start or last or end:
        if host is None or site or limit:
            raise typer.BadParameter("two backups of one switch are compared: name it")
        if last and (start or end):
            raise typer.BadParameter("give --last or --from, not both")
        if end and not start:
            raise typer.BadParameter("--to needs --from")
        _show_backups_diff(settings, host, start, end or "HEAD", json=json)
        return
    if host is not None and (site or limit):
        raise typer.BadParameter("name one switch, or give --site and --limit")
    from ictops.cli.switch_diff import show_intended_diff  # noqa: PLC0415

    raise typer.Exit(
        show_intended_diff(settings, sites=codes_of(site), limit=host or limit, json=json)
    )


def _show_backups_diff(
    settings: Settings, host: str, start: str | None, end: str, *, json: bool
) -> None:
    """Show what changed between two backups; without a start, what the last change was."""
    from ictops.operations.switches import archive_of, find_switch  # noqa: PLC0415 - heavy

    switch = find_switch(settings, host)
    archive = archive_of(settings)
    if start is None:
        entries = archive.log(switch.site, switch.name)
        if len(entries) < 2:  # noqa: PLR2004 - a difference is of two
            raise SwitchError("there is one backup of it at most; nothing to compare", where=host)
        end, start = entries[0].commit, entries[1].commit
    said = archive.diff(switch.site, switch.name, start, end)
    if json:
        print_json({"from": archive.resolve(start), "to": archive.resolve(end), "diff": said})
        return
    console().print(said, markup=False, soft_wrap=True, end="")


switch_app.command("restore")(restore)
switch_app.command("drift")(drift)
switch_app.command("map")(draw_map)
switch_app.command("ports")(show_ports)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(switch_app, name="switch")
