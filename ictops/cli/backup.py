"""``ictops backup``: back hosts up, see how backups are, and get files back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.backup_care import check, copy, drill, prune
from ictops.cli.backup_find import find, list_backups
from ictops.cli.backup_restore import restore
from ictops.cli.backup_status import show_status
from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import console, counted, size, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from ictops.operations.backup import BackedUp

backup_app = typer.Typer(
    help="Back hosts up, prove that restores work, and get files back.", no_args_is_help=True
)

BACKED_UP = {"ok": "backed up", "changed": "backed up"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(backup_app, name="backup")


@backup_app.command()
def run(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    sets: Annotated[
        str | None,
        typer.Option("--set", help="Only these sets: names with commas between them."),
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Back hosts up now, to their school's backup server.

    Nothing on them is changed, so no window is waited for; one that is off holds up no other.
    What is backed up of a host its backup_sets in the inventory say.

    Exit codes: 0 all is backed up; 3 there is nothing to back up there; 4 a backup failed;
    5 a host did not answer.

    Example: ictops backup run --site oakfield
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.backup import begin_backup, finish_backup  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_backup(journal, settings, sites=codes_of(site), limit=limit, sets=sets or ())
    found: list[BackedUp] = []

    def finish() -> dict[str, object]:
        found.append(finish_backup(journal, run_id))
        return asdict(found[0])

    code = carry_and_show(journal, run_id, settings, json=json, finish=finish, words=BACKED_UP)
    done = found[0]
    if not json:
        _tell(done)
    if code == Exit.OK and (done.failed or done.silent):
        code = Exit.HOSTS_FAILED
    raise typer.Exit(code)


def _tell(done: BackedUp) -> None:
    out = console()
    out.print()
    out.print(
        f"{counted(done.good, 'set')} backed up: {counted(done.files, 'file')}, "
        f"{size(done.bytes)}; the repositories grew by {size(done.bytes_added)}"
    )
    for host, sets in done.failed.items():
        for name, why in sets.items():
            out.print(f"! {host}: {name} was not backed up: {why}", soft_wrap=True)
    for host, why in done.silent.items():
        out.print(f"! {host}: not backed up: {why}", soft_wrap=True)


backup_app.command("status")(show_status)
backup_app.command("list")(list_backups)
backup_app.command()(find)
backup_app.command()(restore)
backup_app.command()(drill)
backup_app.command()(check)
backup_app.command()(prune)
backup_app.command("copy")(copy)
