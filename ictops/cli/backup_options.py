"""What the commands of ``ictops backup`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ictops.cli.completion import complete_host
from ictops.cli.output import console, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.report import RunReport
    from ictops.running.course import Notice
    from ictops.settings import Settings
    from ictops.store.journal import Journal

Result = TypeVar("Result")

OfHost = Annotated[
    str | None,
    typer.Option("--host", help="Only backups of this host.", autocompletion=complete_host),
]
OfSet = Annotated[
    str | None, typer.Option("--set", help="Only backups of this set, such as homes.")
]


def open_journal(cluster: str | None) -> tuple[Settings, Journal]:
    """Give the settings that apply, and their journal."""
    from ictops.settings import load_settings  # noqa: PLC0415 - heavy
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    return settings, Journal.open(settings.journal_url)


def sites_or_of(settings: Settings, sites: tuple[str, ...], host: str | None) -> tuple[str, ...]:
    """Give the sites that are named; else that of a host, which may be gone from the inventory."""
    from ictops.operations.planning import open_cluster  # noqa: PLC0415 - heavy

    if sites or host is None:
        return sites
    return tuple(one.site for one in open_cluster(settings).all_hosts() if one.name == host)


def carried(
    journal: Journal,
    run_id: str,
    settings: Settings,
    finish: Callable[[], Result],
    show: Callable[[Result, Console], None],
    *,
    json: bool,
    as_data: Callable[[Result], Any] | None = None,
) -> tuple[Exit, Result]:
    """Carry a run in the foreground, and show what it brought in the place of its table.

    :param as_data: gives what belongs to the run's JSON; all of it if None.
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy

    found: list[Result] = []

    def keep() -> dict[str, object]:
        found.append(finish())
        told = found[0]
        if as_data is not None:
            return dict(as_data(told))
        return asdict(told) if is_dataclass(told) and not isinstance(told, type) else {}

    def show_report(_report: RunReport, out: Console) -> None:
        out.print()
        show(found[0], out)

    code = carry_and_show(
        journal, run_id, settings, json=json, finish=keep, show_report=show_report,
        words={"ok": "done", "changed": "done"},
    )  # fmt: skip
    return code, found[0]


def carry_quietly(journal: Journal, run_id: str, settings: Settings, what: str) -> None:
    """Carry a run in the foreground, and show no more than what is being done.

    :raises RunError: if it cannot be carried.
    """
    from ictops.cli.apply import Interrupts  # noqa: PLC0415 - heavy
    from ictops.operations.carry import carry  # noqa: PLC0415

    interrupts = Interrupts()

    def hear(notice: Notice) -> None:
        if notice.what in {"wait", "note"}:
            warn(notice.text)

    with working(what), interrupts.watched():
        carry(journal, run_id, settings, notice=hear, on_engine=interrupts.take)


def warn(words: str) -> None:
    """Say on standard error what a person should know of."""
    console(stderr=True).print(f"! {words}", soft_wrap=True)
