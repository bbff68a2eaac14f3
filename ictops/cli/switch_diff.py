"""How what switches run differs from what is intended, as a person sees it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ictops.cli.apply import carry_and_show
from ictops.cli.output import counted, styled, working
from ictops.errors import Exit
from ictops.operations.compare import Compared, begin_compare, results_of
from ictops.store.journal import Journal

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.settings import Settings

COLOURS = {"+": "green", "-": "red"}


def show_intended_diff(
    settings: Settings, *, sites: tuple[str, ...], limit: str | None, json: bool
) -> Exit:
    """Compare switches and show what parts them from what is intended; give the exit code."""
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_compare(
            journal, settings, sites=sites, limit=limit,
            title="difference of switches", operation="switch-diff",
        )  # fmt: skip
    found: list[Compared] = []

    def finish() -> dict[str, object]:
        found.extend(results_of(journal, run_id).values())
        return {"switches": [asdict(one) for one in found]}

    return carry_and_show(
        journal, run_id, settings,
        json=json, finish=finish, show_report=lambda _report, out: _show(found, out),
        words={"ok": "compared", "changed": "compared"},  # nothing is changed
    )  # fmt: skip


def _show(found: list[Compared], out: Console) -> None:
    for one in sorted(found, key=lambda one: (one.site, one.host)):
        out.print()
        if one.state in {"unreachable", "error"}:
            out.print(one.host, styled(one.state), one.message, soft_wrap=True)
            continue
        if not one.commands:
            out.print(f"{one.host} runs what is intended", style="bold")
        else:
            out.print(f"{one.host}: - runs, + is intended", style="bold")
            for line in one.difference:
                colour = COLOURS.get(line.lstrip()[:1])
                out.print(f"  {line}", style=colour, markup=False, soft_wrap=True)
            out.print(f"  {counted(len(one.commands), 'command')} would be sent:", style="bold")
            for line in one.commands:
                out.print(f"  {line}", markup=False, soft_wrap=True)
        if one.unsaved:
            out.print("  ! what runs is not saved; a reboot would undo it", soft_wrap=True)
