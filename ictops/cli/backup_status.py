"""``ictops backup status``: how backups are, against what is promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from ictops.cli.options import AsJson, ClusterName, SiteCodes, codes_of
from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, counted, local, size, styled, table
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.backup_status import HostStatus, RepositoryStatus, SetStatus, Status


def show_status(
    *, site: SiteCodes = None, cluster: ClusterName = None, json: AsJson = False
) -> None:
    """Show the last good backup of each host against its promise, and what is proved of it.

    A backup is proved when a drill has restored a sample of it and found it the same; until then
    it is unproved. Nothing is asked of any host.

    Exit codes: 0 every promise is kept; 3 a backup is missing or older than promised, or a drill
    or a check found one that is damaged.

    Example: ictops backup status --site oakfield
    """
    from ictops.operations.backup_status import status  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    now = status(journal, settings, sites=codes_of(site))
    if json:
        print_json({**asdict(now), "broken": now.broken})
    else:
        _show_status(now, console())
    raise typer.Exit(Exit.FAULTS if now.broken else Exit.OK)


def _show_status(now: Status, out: Console) -> None:
    if now.hosts:
        shown = table("host", "site", "last good backup", "promise", "", "restore", "sets")
        for host in now.hosts:
            shown.add_row(
                host.host, host.site, local(host.good_at) or "never", f"within {host.hours:g} h",
                styled(host.state), _drill(host), ", ".join(one.name for one in host.sets),
            )  # fmt: skip
        out.print(shown)
    else:
        out.print("no host is to be backed up: give hosts backup_sets in the inventory")
    for host in now.hosts:
        for one in host.sets:
            for words in _of_set(one):
                out.print(f"! {host.host}: {words}", soft_wrap=True)
    if now.repositories:
        out.print()
        _show_repositories(now.repositories, out)
    for code in now.without_server:
        out.print(
            f"! site {code} has no backup server: put a host into the group backup_servers",
            soft_wrap=True,
        )


def _show_repositories(repositories: tuple[RepositoryStatus, ...], out: Console) -> None:
    kept = table("repository", "server", "size", "last check", "second copy", "keys escrowed")
    for one in repositories:
        kept.add_row(
            one.repository, one.server, "" if one.bytes is None else size(one.bytes),
            local(one.checked_at) or "never", local(one.copied_at) or "none",
            {None: "not known", True: "yes", False: "no"}[one.escrowed],
        )  # fmt: skip
    out.print(kept)
    for one in repositories:
        for fault in one.faults:
            out.print(f"! {one.repository}: {fault}", soft_wrap=True)


def _of_set(one: SetStatus) -> Iterator[str]:
    """Say what a person should know of a set, if anything."""
    if one.failures:
        yield f"{one.name} failed {counted(one.failures, 'time')} in a row: {one.message}"
    if one.state == "never":
        yield f"{one.name} was never backed up"
    elif one.state == "late":
        yield f"{one.name} was last backed up {local(one.good_at)}"
    if one.drill == "failed":
        yield (
            f"{one.name} could not be restored when it was tried on {local(one.drilled_at)}: "
            f"{one.drill_message}"
        )


def _drill(one: HostStatus) -> str | Text:
    if one.drill == "failed":
        return styled("FAILED")
    return f"proved {local(one.drilled_at)}" if one.drill == "proved" else "unproved"
