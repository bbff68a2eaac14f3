"""``ictops run``: looking at runs, and steering them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_host, complete_site
from ictops.cli.options import AsJson, ClusterName, RunId
from ictops.cli.output import as_json, console, local, styled, table, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.report import RunReport
    from ictops.settings import Settings
    from ictops.store.journal import Journal

TOLD = frozenset({"failed", "unreachable", "retry"})
"""Of these events the message is told, too."""

run_app = typer.Typer(help="Look at runs, and steer them.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(run_app, name="run")


def _open(cluster: str | None = None) -> tuple[Journal, Settings]:
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    return Journal.open(settings.journal_url), settings


@run_app.command("list")
def list_runs(
    *,
    all_runs: Annotated[bool, typer.Option("--all", help="Also the oldest ones.")] = False,
    json: AsJson = False,
) -> None:
    """List the runs, newest first.

    Example: ictops run list
    """
    journal, _ = _open()
    runs = journal.runs(limit=None if all_runs else 20)
    if json:
        keys = ("id", "operation", "title", "state", "created_at", "created_by", "ended_at")
        as_json([{key: getattr(run, key) for key in keys} for run in runs])
        return
    shown = table("run", "state", "begun", "by", "what")
    for run in runs:
        shown.add_row(run.id, styled(run.state), local(run.created_at), run.created_by, run.title)
    console().print(shown if runs else "no runs yet: 'ictops plan rollout --help' begins one")


@run_app.command()
def show(run_id: RunId, *, json: AsJson = False) -> None:
    """Show what a run came to, site by site, and why it did what it did.

    Example: ictops run show k3w9ab
    """
    from ictops.operations.report import report_of  # noqa: PLC0415

    journal, _ = _open()
    report = report_of(journal, run_id)
    decisions = journal.decisions(run_id)
    if json:
        as_json({"report": report, "decisions": decisions, "hosts": journal.hosts(run_id)})
        return
    out = console()
    print_report(report, out)
    shown = table("when", "site", "decision", "", title="Decisions")
    for d in decisions:
        shown.add_row(local(d.at), d.site or "", d.what, d.detail)
    out.print()
    out.print(shown)


@run_app.command()
def logs(
    run_id: RunId,
    *,
    host: Annotated[
        str | None, typer.Option(help="Only this host.", autocompletion=complete_host)
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what Ansible did, task by task.

    Example: ictops run logs k3w9ab --host oak-it1-01
    """
    import json as parser  # noqa: PLC0415

    journal, _ = _open()
    journal.run(run_id)
    events = journal.events(run_id, host=host)
    if json:
        as_json(events)
        return
    out = console()
    for event in events:
        if event.kind == "runner_on_start":
            continue
        result = parser.loads(event.data)["data"].get("res") or {}
        word = event.kind.removeprefix("runner_on_").removeprefix("runner_")
        word = "changed" if word == "ok" and result.get("changed") else word
        out.print(
            f"{event.at.astimezone():%H:%M:%S}",
            event.host or "",
            styled(word),
            event.task or "",
            str(result.get("msg", "")) if word in TOLD else "",
            soft_wrap=True,
        )


@run_app.command()
def pause(run_id: RunId, *, json: AsJson = False) -> None:
    """Let the hosts finish that are being worked on, and start no others.

    Example: ictops run pause k3w9ab
    """
    from ictops.operations.steer import pause_run  # noqa: PLC0415

    journal, settings = _open()
    _told(run_id, pause_run(journal, run_id, settings), json=json)


@run_app.command()
def cancel(run_id: RunId, *, json: AsJson = False) -> None:
    """End a run now: every process of it is ended within seconds.

    Hosts that were being worked on may be half done; 'ictops run show' names them. Jobs that it
    left armed at boot servers are taken back.

    Exit codes: 0 it is cancelled; 1 it had ended before, or has not ended yet.

    Example: ictops run cancel k3w9ab
    """
    from ictops.operations.image_cancel import take_back  # noqa: PLC0415
    from ictops.operations.steer import cancel_run  # noqa: PLC0415

    journal, settings = _open()
    with working("ending every process of the run"):
        said = cancel_run(journal, run_id, settings)
    with working("taking its jobs back"):
        said = "; ".join(filter(None, [said, take_back(journal, settings, run_id)]))
    _told(run_id, said, json=json)


@run_app.command()
def resume(
    run_id: RunId,
    *,
    wait: Annotated[
        bool, typer.Option(help="Stay until the run ends, or leave it to 'ictops tick'.")
    ] = True,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Go on with a run that was paused, or whose process was lost.

    What still ran of it is ended first; hosts that are done stay done.

    Exit codes: as those of 'ictops apply'.

    Example: ictops run resume k3w9ab
    """
    from ictops.cli.apply import carry_and_finish  # noqa: PLC0415
    from ictops.operations.steer import let_go_on  # noqa: PLC0415

    journal, settings = _open(cluster)
    let_go_on(journal, run_id)
    if not wait:
        _told(run_id, f"run {run_id} is left to 'ictops tick'", json=json)
        raise typer.Exit(Exit.NOT_NOW)

    raise typer.Exit(carry_and_finish(journal, run_id, settings, json=json))


@run_app.command()
def approve(
    run_id: RunId,
    *,
    site: Annotated[
        str, typer.Option(help="The site whose gate waits.", autocompletion=complete_site)
    ],
    json: AsJson = False,
) -> None:
    """Let the next wave of a site start that waits for a person.

    Example: ictops run approve k3w9ab --site oakfield
    """
    from ictops.operations.steer import approve_wave  # noqa: PLC0415

    journal, _ = _open()
    approve_wave(journal, run_id, site)
    _told(run_id, f"the next wave of {site} may start", json=json)


def _told(run_id: str, text: str, *, json: bool) -> None:
    as_json({"run": run_id, "said": text}) if json else console().print(text)


def print_report(report: RunReport, out: Console) -> None:
    """Show a run as a table of its schools."""
    names = ["ok", "changed", "failed", "unreachable", "deferred", "skipped", "pending"]
    seen = [n for n in names if any(s.outcomes.get(n) for s in report.sites)]
    out.print()
    out.print("run", report.run, styled(report.state), report.title)
    if report.state == "running" and not report.carried:
        out.print(f"its process was lost: 'ictops run resume {report.run}' goes on, or the tick")
    if report.now_reason:
        out.print(f"begun at once, windows or not, by {report.created_by}: {report.now_reason}")
    shown = table("site", "", *seen, "")
    for site in report.sites:
        numbers = [str(site.outcomes.get(name, "")) for name in seen]
        shown.add_row(site.site, styled(site.state), *numbers, site.reason)
    out.print(shown)
    if report.at_work:
        hosts = table("host", "at", "at work")
        for one in report.at_work:
            hosts.add_row(one.host, f"{one.at.astimezone():%H:%M:%S}", one.text)
        out.print()
        out.print(hosts)
    tried = [host for host in report.trouble if host.tries]
    if tried:
        hosts = table("host", "site", "outcome", "tries", "why")
        for host in tried:
            hosts.add_row(
                host.host, host.site, styled(host.outcome or ""), str(host.tries), host.reason
            )
        out.print()
        out.print(hosts)
    if len(tried) < len(report.trouble):  # a site that stopped may have hundreds of them
        out.print(f"not begun: {len(report.trouble) - len(tried)} more, as their site says above")
