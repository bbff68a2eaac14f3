"""``ictops schedule``: what is begun again and again, and what wakes ictops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_schedule, complete_site
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json, console, local, styled, table, working

if TYPE_CHECKING:
    from ictops.operations.schedules import Schedule
    from ictops.settings import Settings
    from ictops.store.journal import Journal
    from ictops.store.records import PastSlot

NAMES = 4
"""Sites of one line that are named."""

schedule_app = typer.Typer(
    help="Have things begun again and again, and ictops woken by systemd.", no_args_is_help=True
)

ScheduleName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=complete_schedule),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(schedule_app, name="schedule")


@schedule_app.callback()
def schedule() -> None:
    """Have things begun again and again, and ictops woken by systemd."""


@schedule_app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is to be called.")],
    rule: Annotated[str, typer.Argument(help="When, such as 'every school night at 02:00'.")],
    command: Annotated[
        list[str],
        typer.Argument(help="What it begins; before options of its own comes a lone --."),
    ],
    *,
    jitter: Annotated[
        str, typer.Option(help="Put it off by up to this at each site, always the same.")
    ] = "0",
    missed: Annotated[
        str,
        typer.Option(help="Of what was missed: run-once, skip, or such as 'within 6h'."),
    ] = "run-once",
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Have something begun again and again: 'ictops tick' does it.

    What is due on time is begun whatever the windows are. What was missed is begun once a window
    of the site is open, as --missed says; docs/schedule.md has the rules that are understood.

    To name sites, put a lone -- before the command: ... -- switch backup --site oakfield

    Example: ictops schedule add switches "every school night at 02:00" switch backup
    """
    from ictops.operations.schedules import add_schedule  # noqa: PLC0415 - heavy

    journal, settings = _open(cluster)
    with working("reading the inventory"):
        made = add_schedule(journal, settings, name, rule, command, jitter=jitter, missed=missed)
    if json:
        as_json(asdict(made))
        return
    first = (
        f"first due {local(made.next_at)}"
        if made.next_at
        else "not due within a year by the calendars that there are"
    )
    console().print(f"{name}: {made.command}, {made.rule}; {first}", soft_wrap=True)


@schedule_app.command()
def remove(name: ScheduleName, *, cluster: ClusterName = None, json: AsJson = False) -> None:
    """Take a schedule away: nothing of it is begun any more. Its history stays.

    Example: ictops schedule remove switches
    """
    from ictops.operations.schedules import remove_schedule  # noqa: PLC0415 - heavy

    journal, settings = _open(cluster)
    skipped = remove_schedule(journal, settings, name)
    if json:
        as_json({"removed": name, "skipped": skipped})
        return
    console().print(f"{name} is removed")


@schedule_app.command("list")
def list_schedules(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """List what is begun again and again, and when it is due next.

    Example: ictops schedule list
    """
    from ictops.operations.schedules import schedules  # noqa: PLC0415 - heavy

    found = schedules(*_open(cluster))
    if json:
        as_json([asdict(one) for one in found])
        return
    if not found:
        console().print("there are no schedules: 'ictops schedule add' makes one")
        return
    shown = table("name", "when", "what", "missed", "next")
    for one in found:
        shown.add_row(one.name, _when(one), one.command, one.missed, local(one.next_at))
    console().print(shown)


@schedule_app.command()
def history(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="One schedule; else all.", autocompletion=complete_schedule
        ),
    ] = None,
    *,
    site: Annotated[
        str | None, typer.Option(help="One site.", autocompletion=complete_site)
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 14,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show each time at which a schedule was due, or is to be, and what became of it.

    Sites of which the same is to be said share a line; --json has each.

    Example: ictops schedule history switches --days 7
    """
    from ictops.operations import schedules  # noqa: PLC0415 - heavy

    journal, settings = _open(cluster)
    found = schedules.history(journal, settings, name=name, site=site, days=days)
    if json:
        as_json([asdict(one) for one in found])
        return
    if not found:
        console().print("nothing was due")
        return
    shown = table("due", "schedule", "sites", "", "run", "")
    for same in _alike(found):
        one = same[0]
        sites = [slot.site for slot in same]
        named = ", ".join(sites[:NAMES]) + (f" … ({len(sites)})" if len(sites) > NAMES else "")
        state = one.run_state if one.state == "begun" and one.run_state else one.state
        shown.add_row(
            local(one.due_at), one.schedule, named, styled(state), one.run_id or "", _why(same)
        )
    console().print(shown)


def _alike(slots: Iterable[PastSlot]) -> list[list[PastSlot]]:
    """Give slots of one schedule and date together of which the same is to be said."""
    alike: dict[tuple[str, date, str, str, str | None], list[PastSlot]] = {}
    for one in slots:
        key = (one.schedule, one.date, one.state, one.reason, one.run_id)
        alike.setdefault(key, []).append(one)
    return [sorted(same, key=lambda one: one.due_at) for same in alike.values()]


def _why(slots: list[PastSlot]) -> str:
    bad = sum(one.not_good for one in slots)
    stopped = [one.site for one in slots if one.site_state == "stopped"]
    said = [slots[0].reason, f"hosts that are not done: {bad}" if bad else ""]
    said.append(f"stopped at {', '.join(stopped)}" if stopped else "")
    return "; ".join(filter(None, said))


def _when(one: Schedule) -> str:
    from ictops.plans.durations import format_duration  # noqa: PLC0415

    put_off = f", up to {format_duration(one.jitter)} later" if one.jitter else ""
    return one.rule + put_off


def _open(cluster: str | None) -> tuple[Journal, Settings]:
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    return Journal.open(settings.journal_url), settings


@schedule_app.command()
def install(
    *,
    user: Annotated[
        str | None, typer.Option(help="Who it runs as, where root installs it.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the units go; else where systemd reads them.")
    ] = None,
    enable: Annotated[bool, typer.Option(help="Also start the timer now.")] = True,
    json: AsJson = False,
) -> None:
    """Write a systemd timer that runs 'ictops tick' every minute, and start it.

    As root it is a system timer; name a --user of its own for it, who can read the workspace
    and the ssh key and needs no other right. Else it is a timer of your own. It only wakes
    ictops: what is due, the journal and the windows say.

    Example: sudo ictops schedule install --user ictops
    """
    from ictops.operations.schedule import enable_timer, write_units  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    place = write_units(load_settings(), folder, user)
    running = enable and folder is None
    if running:
        enable_timer()
    if json:
        as_json({"place": place, "running": running})
        return
    out = console()
    out.print("wrote ictops-tick.service and ictops-tick.timer")
    if running:
        out.print("ictops-tick.timer is running")
    if place.system and user is None:
        out.print("it runs as root: --user NAME gives it to a user with fewer rights")
    elif not place.system:
        out.print("it ends when you log out, unless 'loginctl enable-linger' was said once")
