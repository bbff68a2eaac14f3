"""``ictops drift``: hosts that are not as they should be, the same drift told once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.drift_steps import accept, fix, history
from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, counted, local, styled, working
from ictops.cli.switch_drift import named, show_group
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.drift_check import Found
    from ictops.operations.drift_show import Standing
    from ictops.store.records import CheckRecord

drift_app = typer.Typer(
    help="Find hosts that are not as they should be, and put them right.", no_args_is_help=True
)

drift_app.command()(accept)
drift_app.command()(fix)
drift_app.command()(history)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(drift_app, name="drift")


@drift_app.command()
def check(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    full: Annotated[
        bool, typer.Option("--full", help="Look at every host whole, changed or not.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Compare hosts with what roles and inventory say, and switches with what is intended.

    Nothing on them is changed, so no window is waited for. A host on which nothing has changed
    since it was found clean is passed over; once a week each is looked at whole. The same
    difference on many hosts is shown once.

    Exit codes: 0 all are clean; 9 drift was found, whatever else; 4 no drift, but a host could
    not be compared; 5 no drift, but one did not answer or was not begun; 3 there is no such host.

    Example: ictops drift check --site oakfield
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.drift_check import (  # noqa: PLC0415
        begin_drift_check,
        finish_drift_check,
    )
    from ictops.operations.drift_show import standing  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        begun = begin_drift_check(journal, settings, sites=codes_of(site), limit=limit, full=full)
    for note in begun.notes:
        console(stderr=True).print(f"! {note}", soft_wrap=True)
    found: list[tuple[Found, Standing]] = []

    def finish() -> dict[str, object]:
        done = finish_drift_check(journal, settings, begun.run_id)
        now = standing(journal, settings, hosts=set(done.checked))
        found.append((done, now))
        return {**asdict(done), **as_told(now)}

    def show_report(_report: object, out: Console) -> None:
        done, now = found[0]
        out.print()
        if done.passed_over:
            out.print(
                f"nothing had changed on {counted(done.passed_over, 'host')} since a full check"
            )
        show(now, out)
        if done.not_checked:
            out.print("not checked:", named(done.not_checked), soft_wrap=True)

    code = carry_and_show(
        journal, begun.run_id, settings,
        json=json, finish=finish, show_report=show_report,
        words={"ok": "compared", "changed": "compared"},  # nothing is changed
    )  # fmt: skip
    raise typer.Exit(_exit_code(code, *found[0]))


@drift_app.command("show")
def show_drift(
    *,
    site: SiteCodes = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show what the newest checks found; nothing is asked of any host.

    Exit codes: 0 nothing drifts, as far as is known; 9 something does.

    Example: ictops drift show --site oakfield
    """
    from ictops.operations.drift_show import standing  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    now = standing(journal, settings, sites=codes_of(site))
    if json:
        print_json(as_told(now))
    elif now.counts:
        show(now, console())
    else:
        console().print("nothing was checked yet: 'ictops drift check' does it")
    raise typer.Exit(Exit.DRIFT if now.groups else Exit.OK)


def as_told(now: Standing) -> dict[str, object]:
    """Give what stands as JSON has it."""
    told = asdict(now)
    return {
        "kinds": told["counts"],
        "groups": told["groups"],
        "accepted": told["accepted"],
        "silent": told["silent"],
    }


def show(now: Standing, out: Console) -> None:
    """Show how many are as they should be, each difference once, and who is not known of."""
    from ictops.operations.drift import without_name  # noqa: PLC0415 - heavy

    for kind, counts in now.counts.items():
        states = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        out.print(f"{kind}: {states}")
    for group in now.groups:
        show_group(group, out)
    for one in now.accepted:
        out.print()
        out.print(
            f"accepted until {local(one.until)} by {one.by}: {one.group.item}: "
            f"{named(one.group.hosts)}: {one.reason}",
            soft_wrap=True,
        )
    silent: dict[tuple[str, str, str], list[CheckRecord]] = {}
    for check_ in now.silent:
        why = without_name(check_.host, check_.message.partition("\n")[0])
        silent.setdefault((check_.state, local(check_.since), why), []).append(check_)
    if silent:
        out.print()
    for (state, since, why), checks in silent.items():
        hosts = [one.host for one in checks]
        out.print(named(hosts), styled(state), f"since {since}:", why, soft_wrap=True)


def _exit_code(of_run: Exit, found: Found, now: Standing) -> Exit:
    """Give what tells a script of drift, and if there is none, what the run itself came to."""
    if of_run in {Exit.NOT_NOW, Exit.CANCELLED, Exit.PAUSED}:
        return of_run
    if now.groups:
        return Exit.DRIFT
    if found.counts["error"]:
        return Exit.HOSTS_FAILED
    return Exit.STRAGGLERS if found.counts["unreachable"] or found.not_checked else Exit.OK
