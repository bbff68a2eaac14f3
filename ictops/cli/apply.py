"""``ictops apply`` and ``ictops tick``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json, console, working
from ictops.errors import Exit, IctopsError, JournalError

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.imaging.images.publish import Published
    from ictops.operations.report import RunReport
    from ictops.running.engine import Engine
    from ictops.settings import Settings
    from ictops.store.journal import Journal

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("apply")(apply)
    app.command("tick")(tick)


def apply(
    plan: Annotated[Path, typer.Argument(help="The plan's file.", show_default=False)],
    *,
    now: Annotated[bool, typer.Option("--now", help="Start at once, windows or not.")] = False,
    reason: Annotated[str, typer.Option(help="Why the windows are overridden; recorded.")] = "",
    wait: Annotated[
        bool, typer.Option(help="Stay until the run ends, or leave it to 'ictops tick'.")
    ] = True,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Go on though something changed since the plan.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Run a plan inside its windows; one that was begun is carried on.

    Ctrl-C lets the hosts that are being worked on finish, and pauses the run; a second
    one ends them at once. Either way 'ictops run resume' goes on from there. Where the
    machine shuts down or the terminal is lost they are ended at once too, and the run is
    left to 'ictops tick'.

    Exit codes: 0 all hosts done; 3 the plan cannot be run as it is; 4 hosts failed or a site
    was stopped; 5 stragglers were left; 6 left to 'ictops tick'; 7 cancelled; 8 paused.

    Example: ictops apply october.yml
    """
    from ictops.operations.apply import start_run  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    if now and not reason:
        raise typer.BadParameter("--now needs --reason: it is recorded in the journal")
    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the plan and the inventory") as status:

        def confirm(changes: list[str]) -> bool:
            status.stop()
            return yes or _ask(changes)

        run_id = start_run(
            journal, plan, settings, now_reason=reason if now else None, confirm=confirm
        )
    if not wait:
        say = f"run {run_id} is left to 'ictops tick' (ictops schedule install)"
        as_json({"run": run_id}) if json else console().print(say)
        raise typer.Exit(Exit.NOT_NOW)

    raise typer.Exit(carry_and_finish(journal, run_id, settings, json=json))


def tick(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """Begin what is scheduled, and carry on every run whose window is open.

    A systemd timer calls this each minute ('ictops schedule install').
    One tick acts at a time: a second one ends at once. A run that was missed while this
    machine was off starts only if its window is still open. Told to stop, it ends the jobs
    that are at work and gives its runs back; the next tick carries them on.

    It also tells people what they should know of, as notify.yml says.

    Exit codes: 0 done, or nothing was due; 1 a run could not be begun or carried, the journal not
    be copied, or people not be told.

    Example: ictops tick
    """
    import logging  # noqa: PLC0415

    from ictops.operations.tick import Tick  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = load_settings(cluster)
    work = Tick(Journal.open(settings.journal_url), settings)
    for number in STOPPING:
        signal.signal(number, lambda _number, _frame: work.stop())
    work.run()
    if json:
        as_json({"begun": work.begun, "carried": work.carried, "errors": work.errors})
    else:
        carried = ", ".join(work.carried)
        console().print(f"carried on: {carried}" if carried else "nothing is due")
    raise typer.Exit(Exit.ERROR if work.errors else Exit.OK)


def _ask(changes: list[str]) -> bool:
    out = console(stderr=True)
    out.print("Since the plan was made:")
    for change in changes:
        out.print(f"  - {change}")
    try:
        return typer.confirm("Run it all the same?")
    except typer.Abort:
        return False


def carry_and_finish(journal: Journal, run_id: str, settings: Settings, *, json: bool) -> Exit:
    """Carry a run in the foreground, keep what it brought, and give the exit code."""
    from ictops.cli.image_options import tell  # noqa: PLC0415
    from ictops.operations.finish import finish  # noqa: PLC0415

    published: list[Published] = []

    def keep() -> dict[str, object]:
        with working("keeping what it brought") as status:
            made = finish(journal, settings, run_id, status.update)
        if made is None:
            return {}
        published.append(made)
        return {"image": asdict(made)}

    code = carry_and_show(journal, run_id, settings, json=json, finish=keep)
    for made in published if not json else []:
        tell(made, json=False)
    return code


def carry_and_show(
    journal: Journal,
    run_id: str,
    settings: Settings,
    *,
    json: bool,
    finish: Callable[[], Mapping[str, object]] = dict,
    show_report: Callable[[RunReport, Console], None] | None = None,
    words: Mapping[str, str] | None = None,
) -> Exit:
    """Carry a run in the foreground, showing it, and give the exit code.

    :param finish: called once it is over; what it gives belongs to the run's JSON.
    :param show_report: shows a person what it came to; as a table of its sites if None.
    :param words: other words for outcomes, where theirs would mislead.
    """
    from ictops.cli.progress import Show  # noqa: PLC0415
    from ictops.cli.run import print_report  # noqa: PLC0415
    from ictops.operations.carry import carry  # noqa: PLC0415
    from ictops.operations.housekeeping import keep_house  # noqa: PLC0415
    from ictops.operations.report import exit_code, report_of  # noqa: PLC0415

    totals: dict[str, int] = {}
    done = 0
    for host in journal.hosts(run_id):
        totals[host.site] = totals.get(host.site, 0) + (host.state != "ended")
        done += host.state == "ended"
    out = console(stderr=json)
    title = journal.run(run_id).title
    out.print(f"run {run_id}: {title}" + (f" ({done} hosts are done already)" if done else ""))
    show = Show(out, totals, words)
    interrupts = Interrupts()
    with show.live(), interrupts.watched():
        try:
            carry(journal, run_id, settings, notice=show, on_engine=interrupts.take)
        except KeyboardInterrupt:
            do = f"'ictops run resume {run_id}' goes on"
            raise IctopsError("ended at once; the run is as it was", where=run_id, do=do) from None
    report = report_of(journal, run_id)
    more = finish()
    as_json({**asdict(report), **more}) if json else (show_report or print_report)(report, out)
    if interrupts.terminated:
        return exit_code(report)
    try:
        keep_house(journal, settings, datetime.now(UTC))
    except JournalError as error:  # the run is over all the same, and said so
        console(stderr=True).print(f"the journal could not be copied: {error}", soft_wrap=True)
    return exit_code(report)


class Interrupts:
    """What signals ask of a run in the foreground.

    The first Ctrl-C lets hosts finish and pauses; the second ends them at once, and pauses.
    The system's word to stop, or the loss of the terminal, ends them at once and leaves the
    run to 'ictops tick'. Whoever asks still once more does not wait for that to be written.
    """

    def __init__(self) -> None:
        self.terminated = False
        self._engine: Engine | None = None
        self._asked = 0

    def take(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hear Ctrl-C and the system's signals while this lasts."""
        before = {number: signal.signal(number, self._on) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on(self, number: int, _frame: object) -> None:
        engine, asked = self._engine, self._asked
        self._asked += 1
        if engine is None or self.terminated or asked > 1:
            raise KeyboardInterrupt
        if number != signal.SIGINT:
            self.terminated = True
            engine.stop("waiting", at_once=True)
            return
        engine.stop("paused", at_once=asked == 1)
        text = "ending the hosts that are being worked on"
        if not asked:
            text = "letting the hosts finish that are being worked on; Ctrl-C again ends them"
        console(stderr=True).print(text)
