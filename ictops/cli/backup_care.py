"""``ictops backup drill``, ``check``, ``prune`` and ``copy``: what backup servers do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.backup_options import OfHost, carried, open_journal, sites_or_of
from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import counted, local, size, styled, table, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ictops.operations.backup_care import Cared
    from ictops.operations.backup_drill import DrillDone
    from ictops.settings import Settings
    from ictops.store.backup_records import CareRecord
    from ictops.store.journal import Journal


def drill(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    host: OfHost = None,
    sample: Annotated[
        int, typer.Option(min=1, max=1000, help="How many sets of each school are tried.")
    ] = 10,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Prove backups: restore a sample of each to a scratch place, and compare it.

    The school's backup server does it, with the newest backup of the sets that were not tried for
    longest. The files are compared with what the host itself read before it backed them up.
    Nothing on a host is changed; the scratch place is deleted.

    Exit codes: 0 all that was tried could be restored; 3 there is no backup server, or nothing to
    try; 4 a backup could not be restored or was not the same; 5 a server did not answer.

    Example: ictops backup drill --site oakfield --sample 3
    """
    from ictops.operations.backup_drill import begin_drill, finish_drill  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    with working("choosing what to try"):
        run_id = begin_drill(
            journal, settings, sites=sites_or_of(settings, codes_of(site), host), limit=limit,
            host=host, sample=sample,
        )  # fmt: skip
    code, done = carried(
        journal, run_id, settings, lambda: finish_drill(journal, run_id), _show_drill, json=json
    )
    raise typer.Exit(_worse(code, good=done.good))


def _show_drill(done: DrillDone, out: Console) -> None:
    if done.proofs:
        shown = table("host", "set", "backup", "", "restored")
        for one in done.proofs:
            shown.add_row(
                one.host, one.set, one.snapshot[:8], styled("proved" if one.good else "FAILED"),
                f"{counted(one.files, 'file')}, {size(one.bytes)}",
            )  # fmt: skip
        out.print(shown)
    for one in done.proofs:
        if one.message:
            out.print(f"! {one.host}: {one.set}: {one.message}", soft_wrap=True)
    for server, why in done.silent.items():
        out.print(f"! {server}: {why}", soft_wrap=True)
    bad = sum(not one.good for one in done.proofs)
    if bad:
        out.print(
            f"{bad} could not be restored as it was: do not count on that backup. "
            "'ictops backup run' makes a new one; 'ictops backup check' looks for damage",
            soft_wrap=True,
        )


def check(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    parts: Annotated[
        int, typer.Option(min=1, max=365, help="In how many checks all data are read; 1: now.")
    ] = 7,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Look for damage in repositories: their structure, and a part of all data each time.

    The part is the one that was not read for longest, so seven checks read everything.

    Exit codes: 0 nothing is wrong; 3 there is no backup server; 4 damage was found, or a check
    failed; 5 a server did not answer.

    Example: ictops backup check --site oakfield
    """
    from ictops.operations.backup_care import begin_check, finish_check  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    with working("reading the inventory"):
        run_id = begin_check(
            journal, settings, sites=codes_of(site), limit=limit, parts=parts
        )  # fmt: skip
    _care(journal, settings, run_id, finish_check, json=json)


def prune(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Delete backups that are beyond the retention of their class, and free their space.

    What is kept how long backup_server_retention in the inventory says. Archives stay. Where a
    backup is dated in the future nothing is deleted: with a clock that is wrong too much would be.

    Exit codes: 0 done; 3 there is no backup server; 4 a repository could not be pruned; 5 a
    server did not answer.

    Example: ictops backup prune --site oakfield
    """
    from ictops.operations.backup_care import begin_prune, finish_prune  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    with working("reading the inventory"):
        run_id = begin_prune(journal, settings, sites=codes_of(site), limit=limit)
    _care(journal, settings, run_id, finish_prune, json=json)


def copy(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Bring the second copies up to date, which are kept elsewhere.

    Where that is backup_server_copy_to in the inventory says.

    Exit codes: 0 done; 3 there is no backup server; 4 a copy failed; 5 a server did not answer.

    Example: ictops backup copy --site oakfield
    """
    from ictops.operations.backup_care import begin_copy, finish_copy  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    with working("reading the inventory"):
        run_id = begin_copy(journal, settings, sites=codes_of(site), limit=limit)
    _care(journal, settings, run_id, finish_copy, json=json)


def _care(
    journal: Journal,
    settings: Settings,
    run_id: str,
    finish: Callable[[Journal, str], Cared],
    *,
    json: bool,
) -> None:
    code, done = carried(
        journal, run_id, settings, lambda: finish(journal, run_id), show_care, json=json
    )
    raise typer.Exit(_worse(code, good=done.good))


def show_care(done: Cared, out: Console) -> None:
    """Show what became of each repository."""
    if done.repositories:
        shown = table("repository", "server", "", "what", "last good")
        for one in done.repositories:
            shown.add_row(
                one.repository, one.server, styled("good" if one.good else "FAILED"), _words(one),
                local(one.good_at),
            )  # fmt: skip
        out.print(shown)
        for one in done.repositories:
            if one.message:
                out.print(f"! {one.repository}: {one.message}", soft_wrap=True)
    elif not done.silent:
        out.print("nothing to do: no repository there is meant for this")
    for server, why in done.silent.items():
        out.print(f"! {server}: {why}", soft_wrap=True)


def _words(one: CareRecord) -> str:
    """Say what was done; the details are numbers and texts of our own making."""
    told = one.details
    words: dict[str, Callable[[], str]] = {
        "check": lambda: f"part {told['part']} of {told['parts']} read",
        "prune": lambda: (
            f"{counted(told['removed'], 'snapshot')} deleted, {told['kept']} kept, "
            f"{size(told['bytes_freed'])} freed"
        ),
        "copy": lambda: f"{counted(told['copied'], 'snapshot')} copied to {told['to']}",
        "list": lambda: counted(told["snapshots"], "snapshot"),
    }
    return words[one.what]() if one.good or one.what == "check" else ""


def _worse(code: Exit, *, good: bool) -> Exit:
    """Give the run's own code, but for a run that went well and found something."""
    return Exit.HOSTS_FAILED if code == Exit.OK and not good else code
