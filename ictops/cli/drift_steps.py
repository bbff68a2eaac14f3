"""What follows on drift: ``ictops drift accept``, ``fix`` and ``history``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictops.cli.completion import complete_host
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, local, working
from ictops.cli.plan_options import PlanOptions, with_plan_options

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.drift_history import Past

LINES = 12


def accept(
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="The host, or an Ansible pattern.", autocompletion=complete_host
        ),
    ],
    item: Annotated[str, typer.Argument(help="What differs, or enough of it to be known by.")],
    *,
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day, as 2026-12-18.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Let a difference be until a day: it is shown, but counts as no drift.

    It counts again afterwards, and as soon as it is another difference than now. What is to
    stay for good belongs in the inventory. Exit codes: 3 no such drift stands there.

    Example: ictops drift accept oak-it1-03 /etc/hosts --until 2026-12-18 --reason "exam software"
    """
    from ictops.operations.drift_accept import accept_drift  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    done = accept_drift(journal, settings, host, item, until=until.date(), reason=reason)
    if json:
        print_json(done)
        return
    console().print(
        f"accepted until {until:%a %d %b %Y}: {done.item}: {', '.join(done.hosts)}", soft_wrap=True
    )


@with_plan_options()
def fix(*, asked: PlanOptions, cluster: ClusterName = None, as_json: AsJson = False) -> None:
    """Plan to put right what drifts: the roles, on exactly the hosts that drift.

    It goes by what the newest checks found; 'ictops apply' then does it, in its windows. Exit
    codes: 3 nothing drifts that a plan could put right; 6 it is made, but does not fit its
    windows.

    Example: ictops drift fix --sites oakfield --until 2026-11-30 -o fix.yml
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.drift_fix import plan_fix  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    with working("laying the plan out"):
        draft = plan_fix(Journal.open(settings.journal_url), settings, request)
    show(draft, output=asked.output, as_json=as_json)


def history(
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="The host.", autocompletion=complete_host)
    ],
    *,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask the host's log who changed what drifts now.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show what ever drifted on a host: when it came and went, and who may have changed it.

    Named are runs of ictops that were at work there between the last check without it and the
    first one with it; with --ask also what sudo and sshd wrote on the host about the time when
    a file was changed. That is a hint, and no proof.

    Example: ictops drift history oak-it1-03 --ask
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.drift_history import (  # noqa: PLC0415
        answers_of,
        begin_asking,
        history_of,
    )
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    past = history_of(journal, settings, host)
    if not ask:
        if json:
            print_json({"host": host, "history": past})
        else:
            _show_past(past, console())
        return
    with working("reading the inventory"):
        run_id = begin_asking(journal, settings, host)

    def finish() -> dict[str, Any]:
        return {"host": host, "history": past, "evidence": answers_of(journal, run_id)}

    def show_report(_report: object, out: Console) -> None:
        _show_past(past, out)
        _show_answers(answers_of(journal, run_id), out)

    code = carry_and_show(
        journal, run_id, settings,
        json=json, finish=finish, show_report=show_report,
        words={"ok": "asked"},
    )  # fmt: skip
    raise typer.Exit(code)


def _show_past(past: list[Past], out: Console) -> None:
    if not past:
        out.print("nothing was ever found to differ there")
    for one in past:
        out.print()
        began = f"between {local(one.not_before)} and {local(one.since)}"
        came = began if one.not_before else f"before {local(one.since)}"
        gone = f", gone by {local(one.ended_at)}" if one.ended_at else ", still there"
        out.print(f"{one.item}: came {came}{gone}", style="bold", soft_wrap=True)
        for line in one.text.splitlines()[:LINES]:
            out.print(f"  {line}", soft_wrap=True)
        for run in one.touched:
            text = f"{local(run.started_at)} run {run.run} by {run.by}: {run.title}"
            out.print(f"  then at work there: {text}: {run.outcome or 'at work'}", soft_wrap=True)
        if one.not_before and not one.touched:
            out.print("  no run of ictops was at work there then")


def _show_answers(answers: list[dict[str, Any]], out: Console) -> None:
    for one in answers:
        out.print()
        gone = "" if one.get("there") else " (gone; its folder)"
        at = local(datetime.fromisoformat(str(one.get("changed_at"))))
        out.print(f"{one.get('path')}{gone}: changed {at}, owner {one.get('owner')}")
        for line in one.get("log") or ["nothing in the host's log about then"]:
            out.print(f"  {line}", soft_wrap=True)
