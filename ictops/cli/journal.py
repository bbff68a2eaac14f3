"""``ictops journal``: is it whole, copies of it, the audit trail, and what is too old to keep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ictops.cli.options import AsJson, ClusterName, SiteCodes, codes_of
from ictops.cli.output import as_json, console, local, table, working
from ictops.errors import Exit, JournalError

journal_app = typer.Typer(
    help="Check, copy and restore the journal; show the audit trail.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(journal_app, name="journal")


def _url() -> str:
    from ictops.settings import load_settings  # noqa: PLC0415

    return load_settings().journal_url


@journal_app.command()
def check(*, json: AsJson = False) -> None:
    """Read the whole journal and say whether it is damaged. Exit code 3 if it is.

    Example: ictops journal check
    """
    from ictops.store.copies import faults, journal_file  # noqa: PLC0415

    with working("reading the whole journal"):
        wrong = faults(journal_file(_url()))
    if json:
        as_json({"faults": wrong})
    else:
        console().print("\n".join(wrong) if wrong else "the journal is whole")
    raise typer.Exit(Exit.FAULTS if wrong else Exit.OK)


@journal_app.command("copy")
def copy_now(*, json: AsJson = False) -> None:
    """Copy the journal while it is in use; the seven newest copies are kept.

    Example: ictops journal copy
    """
    from ictops.store.copies import make_copy  # noqa: PLC0415

    with working("copying the journal"):
        made = make_copy(_url(), datetime.now(UTC))
    said = f"copied to {made.path} ({made.size / 1e6:.1f} MB)"
    as_json(made) if json else console().print(said, soft_wrap=True)


@journal_app.command("copies")
def list_copies(*, json: AsJson = False) -> None:
    """List the copies of the journal, newest first.

    Example: ictops journal copies
    """
    from ictops.store.copies import copies  # noqa: PLC0415

    found = copies(_url())
    if json:
        as_json(found)
        return
    shown = table("made", "MB", "file")
    for one in found:
        shown.add_row(local(one.made_at), f"{one.size / 1e6:.1f}", str(one.path))
    console().print(shown if found else "no copies yet: 'ictops journal copy' makes one")


@journal_app.command()
def restore(
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Put the newest good copy back; the damaged journal is kept beside it.

    What was written after the copy is lost: a run then does the hosts once more that it had
    done since. Refused while a process of ictops uses the journal.

    Example: ictops journal restore
    """
    from ictops.store.copies import newest_good  # noqa: PLC0415
    from ictops.store.copies import restore as put_back  # noqa: PLC0415

    url, now = _url(), datetime.now(UTC)
    with working("looking for the newest good copy"):
        good = newest_good(url)
    if good is None:
        raise JournalError("there is no good copy", do="'ictops journal copy' makes them")
    if not yes:
        question = f"Put back the copy of {local(good.made_at)}? What came after it is lost"
        typer.confirm(question, abort=True)
    aside = put_back(url, good, now)
    said = f"the copy of {local(good.made_at)} is back; the damaged one is {aside}"
    as_json({"restored": good, "aside": aside}) if json else console().print(said, soft_wrap=True)


@journal_app.command("audit")
def show_audit(
    *,
    site: SiteCodes = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on.")
    ] = None,
    limit: Annotated[int, typer.Option("--last", min=1, help="So many at most.")] = 100,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show who restored, archived or deleted whose data, when and why; newest first.

    Entries are never changed and never pruned.

    Example: ictops journal audit --site oakfield --since 2026-09-01
    """
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.audit import Audit  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    found = Audit(journal).entries(
        settings.cluster, sites=codes_of(site), limit=limit,
        since=since.astimezone() if since else None,
    )  # fmt: skip
    if json:
        as_json(found)
        return
    out = console()
    for one in found:
        out.print(local(one.at), one.by, f"{one.what}:", one.subject, soft_wrap=True)
        out.print(f"    {one.details}", soft_wrap=True)
        why = f"    why: {one.reason}" + (f" (run {one.run_id})" if one.run_id else "")
        out.print(why, soft_wrap=True)
    if not found:
        out.print("nothing was restored, archived or deleted so far")


@journal_app.command()
def prune(
    *,
    days: Annotated[
        int | None, typer.Option(min=1, help="Keep those of this many days; else as set.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Delete old events, what is over of drift checks, schedules and alarms, and of lost jobs.

    Example: ictops journal prune --days 90
    """
    from ictops.operations.housekeeping import prune as prune_old  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings()
    journal = Journal.open(settings.journal_url)
    with working("deleting what is old"):
        pruned = prune_old(journal, settings, datetime.now(UTC), days)
    said = (
        f"deleted {pruned.events} events and {pruned.jobs} job folders of old runs, "
        f"{pruned.drifts} old results of drift checks, {pruned.slots} of schedules, "
        f"{pruned.backups} old samples of backups, and {pruned.alarms} old alarms and messages"
    )
    as_json(pruned) if json else console().print(said)
