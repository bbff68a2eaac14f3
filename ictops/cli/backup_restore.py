"""``ictops backup restore``: bring a file or a folder back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.backup_options import carried, carry_quietly, open_journal
from ictops.cli.completion import complete_host
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import console, counted, local, size, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.backup_restore import Restored
    from ictops.operations.backup_results import FoundSaid
    from ictops.settings import Settings
    from ictops.store.journal import Journal


def restore(
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="The host that it was on.", autocompletion=complete_host
        ),
    ],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The whole path of the file or folder.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")],
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", help="From this backup; else the newest with it.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="As it was then: 2026-10-26 (that evening) or '2026-10-26 11:30'."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Into this folder; else into a new one.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Back to where it was.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --in-place: also over what is there now.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option("--on", help="On another host of the school.", autocompletion=complete_host),
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Bring a file or a folder back from the newest backup that has it.

    It goes into a new folder on the host, with its owner and its permissions, and nothing that is
    there is touched; what it says at the end tells where it is. With --in-place it goes back to
    where it was, and overwrites nothing unless --overwrite says so. Every restore is written into
    the audit trail ('ictops journal audit').

    Exit codes: 0 it is back; 3 no backup has it, or what is asked for makes no sense; 4 it could
    not be brought back; 5 the host or the backup server did not answer.

    Example: ictops backup restore oak-srv-01 /home/ann/essay.odt --reason "a pupil deleted it"
    """
    from ictops.operations.backup_paths import whole_path  # noqa: PLC0415 - heavy
    from ictops.operations.backup_restore import (  # noqa: PLC0415
        begin_restore,
        finish_restore,
        place_of,
        wanted,
    )

    if snapshot and at:
        raise typer.BadParameter("give --snapshot or --at, not both")
    settings, journal = open_journal(cluster)
    with working("reading the inventory"):
        target = place_of(settings, host, on)
    exact = whole_path(path, "PATH")
    how = {"to": to, "in_place": in_place, "overwrite": overwrite, "reason": reason}
    # What makes no sense is said before anybody waits for a search.
    wanted(host, exact, snapshot or "0" * 8, target, **how)  # type: ignore[arg-type]
    chosen: FoundSaid | None = None
    if snapshot is None:
        chosen = _newest(journal, settings, target.site, host, exact, at)
        console(stderr=True).print(
            f"the backup of {local(chosen.at)} has it ({chosen.snapshot[:8]}"
            + (f", {size(chosen.size)})" if chosen.type == "file" else ")"),
            soft_wrap=True,
        )
    what = wanted(
        host, exact, chosen.snapshot if chosen else str(snapshot), target,
        **how,  # type: ignore[arg-type]
    )  # fmt: skip
    run_id = begin_restore(journal, settings, target.site, what)
    code, done = carried(
        journal, run_id, settings, lambda: finish_restore(journal, run_id), _show, json=json,
        as_data=lambda one: {**asdict(one), "at": chosen.at if chosen else None},
    )  # fmt: skip
    raise typer.Exit(Exit.HOSTS_FAILED if code == Exit.OK and not done.where else code)


def _newest(
    journal: Journal, settings: Settings, site: str, host: str, path: str, at: str | None
) -> FoundSaid:
    """Look which backups have the path, and give the newest that is asked for."""
    from ictops.operations.backup_find import begin_find, found_of, literal  # noqa: PLC0415
    from ictops.operations.backup_restore import limit_of, newest_of, zone_of  # noqa: PLC0415

    zone = zone_of(settings, site)
    limit = limit_of(at, zone)
    run_id = begin_find(journal, settings, literal(path), sites=(site,), host=host)
    carry_quietly(journal, run_id, settings, "looking which backups have it")
    return newest_of(found_of(journal, run_id), host, path, limit, zone)


def _show(done: Restored, out: Console) -> None:
    from ictops.operations.backup_results import printable  # noqa: PLC0415 - heavy

    path = printable(done.path)
    if not done.where:
        out.print(f"{path} was NOT brought back: {done.why or 'nobody knows why'}", soft_wrap=True)
        safe = (
            f"Look at what is at its place on {done.on}: some of it may be overwritten"
            if done.overwrite
            else "Nothing that was there has been changed"
        )
        out.print(f"{safe}. The backup is as it was: do it again when that is put right")
        return
    out.print(f"{path} of {done.host} is back. It is on {done.on} now, here:", soft_wrap=True)
    out.print(f"  {printable(done.where)}", soft_wrap=True)
    owner = f", it belongs to {done.owner}" if done.owner else ""
    proof = "; read back and found whole" if done.verified else "; NOT read back"
    out.print(f"{counted(done.files, 'file')}, {size(done.bytes)}{owner}{proof}", soft_wrap=True)
