"""``ictops backup list`` and ``find``: what is in repositories."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictops.cli.backup_care import show_care
from ictops.cli.backup_options import OfHost, OfSet, carried, open_journal, sites_or_of
from ictops.cli.options import AsJson, ClusterName, SiteCodes, codes_of
from ictops.cli.output import counted, local, size, table, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.backup_find import Found, Listed

MOST_SHOWN = 200
PATHS = 3


def list_backups(
    *,
    site: SiteCodes = None,
    host: OfHost = None,
    set_: OfSet = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """List the snapshots in the schools' repositories, newest first.

    Also those of hosts that are gone. It also notes whether keys are escrowed, and whether there
    is a second copy, for 'ictops backup status'.

    Exit codes: 3 there is no backup server; 4 a repository could not be read; 5 a server did not
    answer.

    Example: ictops backup list --site oakfield --host oak-srv-01
    """
    from ictops.operations.backup_find import begin_list, listed_of  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    with working("reading the inventory"):
        run_id = begin_list(
            journal, settings, sites=sites_or_of(settings, codes_of(site), host), host=host,
            set_=set_,
        )  # fmt: skip
    code, found = carried(
        journal, run_id, settings, lambda: listed_of(journal, run_id), _show_list, json=json,
        as_data=_listed,
    )  # fmt: skip
    bad = code == Exit.OK and not found.cared.good
    raise typer.Exit(Exit.HOSTS_FAILED if bad else code)


def _listed(found: Listed) -> dict[str, Any]:
    snapshots = [
        {"repository": name, **one.model_dump(by_alias=True)} for name, one in found.snapshots
    ]
    return {
        "snapshots": snapshots, "repositories": found.cared.repositories,
        "silent": found.cared.silent,
    }  # fmt: skip


def _show_list(found: Listed, out: Console) -> None:
    from ictops.operations.backup_results import printable  # noqa: PLC0415 - heavy

    shown = table("snapshot", "when", "host", "set", "class", "size", "what")
    for _, one in found.snapshots[:MOST_SHOWN]:
        more = f" and {len(one.paths) - PATHS} more" if len(one.paths) > PATHS else ""
        paths = printable(", ".join(one.paths[:PATHS])) + more
        what = f"archive {printable(one.archive)}: {paths}" if one.archive else paths
        shown.add_row(
            one.snapshot[:8], local(one.at), printable(one.host), printable(one.set),
            printable(one.class_), "" if one.bytes is None else size(one.bytes), what,
        )  # fmt: skip
    if found.snapshots:
        out.print(shown)
    left = len(found.snapshots) - MOST_SHOWN
    if left > 0:
        out.print(f"... and {left:,} older ones; --host, --set or --json")
    out.print()
    show_care(found.cared, out)


def find(
    *,
    path: Annotated[
        str,
        typer.Option("--path", help='A name, a path, or a part of one with *: "*essay*".'),
    ],
    site: SiteCodes = None,
    host: OfHost = None,
    set_: OfSet = None,
    after: Annotated[
        str | None,
        typer.Option(help="Only backups from then on: 2026-10-26, or with a time."),
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Only backups until then; a day means all of it.")
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Find files in all backups of a school: a pupil deleted their work.

    Write * where you do not know the rest of the name, and put quotes around it. Then
    'ictops backup restore' brings one back. Nothing is changed by looking.

    Exit codes: 0 something was found; 3 nothing was found, or there is no backup server; 4 a
    repository could not be read; 5 a server did not answer.

    Example: ictops backup find --site oakfield --path "*essay*"
    """
    from ictops.operations.backup_find import begin_find, found_of  # noqa: PLC0415 - heavy

    settings, journal = open_journal(cluster)
    sites = sites_or_of(settings, codes_of(site), host)
    with working("reading the inventory"):
        run_id = begin_find(
            journal, settings, path, sites=sites, host=host, set_=set_,
            after=_time(after, "--after", ends=False), before=_time(before, "--before", ends=True),
        )  # fmt: skip
    code, found = carried(
        journal, run_id, settings, lambda: found_of(journal, run_id), _show_found, json=json,
        as_data=_found,
    )  # fmt: skip
    if code == Exit.OK and found.bad:
        code = Exit.HOSTS_FAILED
    raise typer.Exit(Exit.FAULTS if code == Exit.OK and not found.files else code)


def _time(text: str | None, option: str, *, ends: bool) -> datetime | None:
    """Read a day or a time by this machine's clock, as times are shown."""
    from ictops.operations.backup_paths import moment  # noqa: PLC0415 - heavy

    return moment(text, None, option, ends=ends) if text else None


def _found(found: Found) -> dict[str, Any]:
    files = [{"repository": name, **one.model_dump()} for name, one in found.files]
    return {"found": files, "more": found.more, "bad": dict(found.bad)}


def _show_found(found: Found, out: Console) -> None:
    from ictops.operations.backup_results import FoundSaid, printable  # noqa: PLC0415 - heavy

    # The same file is in many backups: it is shown once, with how far back they go.
    files: dict[tuple[str, str], list[FoundSaid]] = {}
    for _, one in found.files:
        files.setdefault((one.host, one.path), []).append(one)
    for (host, path), ones in list(files.items())[:MOST_SHOWN]:
        # Lines, no table: a path that is folded in a column cannot be copied.
        newest, oldest = ones[0], ones[-1]
        folder = newest.type == "dir"
        out.print(printable(host), printable(path) + ("/" if folder else ""), soft_wrap=True)
        told = [] if folder else [size(newest.size)]
        told.append(f"newest backup {local(newest.at)} ({newest.snapshot[:8]})")
        if len(ones) > 1:
            told.append(f"oldest {local(oldest.at)} ({oldest.snapshot[:8]})")
        out.print(f"    {', '.join(told)}, in {counted(len(ones), 'backup')}", soft_wrap=True)
    if not files:
        out.print(
            "nothing was found under that name. Try less of it with * on both sides, such as "
            '--path "*essay*"; capitals and small letters count',
            soft_wrap=True,
        )
    if found.more or len(files) > MOST_SHOWN:
        out.print("... and more: say more of the name, or --host, --set, --after and --before")
    for name, why in found.bad.items():
        out.print(f"! {name} could not be looked into: {why}", soft_wrap=True)
    if files:
        (host, path), ones = next(iter(files.items()))
        out.print()
        out.print(
            f"To bring one back: ictops backup restore {printable(host)} {_quoted(path)} "
            '--reason "a pupil deleted it"',
            soft_wrap=True,
        )


def _quoted(path: str) -> str:
    from ictops.operations.backup_results import printable  # noqa: PLC0415

    return shlex.quote(printable(path))
