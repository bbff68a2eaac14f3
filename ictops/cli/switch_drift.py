"""``ictops switch drift``: switches that are not as they should be, the same drift told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import counted, local, styled, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.operations.drift import Drift, Group
    from ictops.store.records import CheckRecord

LINES = 12
"""Lines of one difference that are shown; --json has all."""
NAMES = 3
"""Hosts of one difference that are named."""


def drift(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Compare what switches run with what is intended, and with what they have stored.

    Nothing on them is changed, so no window is waited for. The same difference on many
    switches is shown once, with the time since when it was found.

    Exit codes: 0 all are clean; 9 drift was found, whatever else; 4 no drift, but a switch could
    not be compared; 5 no drift, but one did not answer or was not begun; 3 there is no such
    switch.

    Example: ictops switch drift --site oakfield
    """
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.drift import begin_switch_drift, finish_switch_drift  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    with working("reading the inventory"):
        run_id = begin_switch_drift(journal, settings, sites=codes_of(site), limit=limit)
    found: list[Drift] = []

    def finish() -> dict[str, object]:
        found.append(finish_switch_drift(journal, run_id))
        return asdict(found[0])

    code = carry_and_show(
        journal, run_id, settings,
        json=json, finish=finish, show_report=lambda _report, out: show(found[0], out),
        words={"ok": "compared", "changed": "compared"},  # nothing is changed
    )  # fmt: skip
    raise typer.Exit(exit_code(code, found[0]))


def exit_code(of_run: Exit, found: Drift) -> Exit:
    """Give what tells a script of drift, and if there is none, what the run itself came to."""
    if of_run in {Exit.NOT_NOW, Exit.CANCELLED, Exit.PAUSED}:
        return of_run
    if found.counts["drift"]:
        return Exit.DRIFT
    if found.counts["error"]:
        return Exit.HOSTS_FAILED
    if found.counts["unreachable"] or found.not_checked:
        return Exit.STRAGGLERS
    return of_run


def show(found: Drift, out: Console) -> None:
    """Show how many are as they should be, each difference once, and who was not looked at."""
    from ictops.operations.drift import without_name  # noqa: PLC0415 - heavy

    out.print()
    counts = {**found.counts, "not checked": len(found.not_checked)}
    out.print(", ".join(f"{number} {state}" for state, number in counts.items() if number))
    for group in found.groups:
        show_group(group, out)
    silent: dict[tuple[str, str, str], list[CheckRecord]] = {}
    for one in found.hosts:
        if one.state in {"unreachable", "error"}:
            why = without_name(one.host, _first_line(one.message))
            silent.setdefault((one.state, local(one.since), why), []).append(one)
    if silent or found.not_checked:
        out.print()
    for (state, since, why), checks in silent.items():
        hosts = [one.host for one in checks]
        reason = why if len(hosts) > 1 else _first_line(checks[0].message)
        out.print(named(hosts), styled(state), f"since {since}:", reason, soft_wrap=True)
    if found.not_checked:
        out.print("not checked:", named(found.not_checked), soft_wrap=True)


def show_group(group: Group, out: Console) -> None:
    since = f"since {local(group.since)}"
    if local(group.last_since) != local(group.since):
        since += f", the last of them since {local(group.last_since)}"
    out.print()
    out.print(f"{group.item}: {named(group.hosts)}, {since}", style="bold", soft_wrap=True)
    lines = group.text.splitlines()
    for line in lines[:LINES]:
        out.print(f"  {line}", soft_wrap=True)
    if len(lines) > LINES:
        out.print(f"  … {counted(len(lines) - LINES, 'more line')} (--json has all)")


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def named(hosts: Sequence[str]) -> str:
    """Give the first names of hosts, and how many they are if there are more."""
    first = ", ".join(hosts[:NAMES])
    return first if len(hosts) <= NAMES else f"{first} … ({len(hosts)} hosts)"
