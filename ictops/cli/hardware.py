"""``ictops inventory hardware``: what hosts are made of."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.options import AsJson, ClusterName, HostPattern, SiteCodes, codes_of
from ictops.cli.output import as_json, console, local, table
from ictops.errors import Exit

if TYPE_CHECKING:
    from ictops.settings import Settings
    from ictops.store.journal import Journal
    from ictops.store.records import HardwareRecord

GIGA = 10**9


def hardware(
    *,
    site: SiteCodes = None,
    limit: HostPattern = None,
    survey: Annotated[
        bool, typer.Option("--survey", help="Look anew at the Linux hosts that are on.")
    ] = False,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show what hosts were made of when they were last looked at: model, serials, disks.

    A PC is looked at when it is imaged, and in a survey.

    Exit codes: 0 shown; 3 there is no such site or host; of a survey those of 'ictops apply'.

    Example: ictops inventory hardware --site oakfield --survey
    """
    from ictops.estate.select import select  # noqa: PLC0415
    from ictops.operations.hardware import known_hardware  # noqa: PLC0415
    from ictops.operations.planning import open_cluster  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    codes = codes_of(site)
    ending = _survey(journal, settings, codes, limit) if survey else Exit.OK
    chosen = select(open_cluster(settings), codes or None, limit)
    names = {host.name for hosts in chosen.values() for host in hosts}
    known = [one for name, one in known_hardware(journal, settings).items() if name in names]
    if json:
        as_json([asdict(one) for one in known])
    else:
        _print(known, len(names))
    raise typer.Exit(ending)


def _survey(
    journal: Journal, settings: Settings, codes: tuple[str, ...], limit: str | None
) -> Exit:
    """Look anew, and say on standard error how it goes."""
    from ictops.cli.progress import Show  # noqa: PLC0415
    from ictops.operations.carry import carry  # noqa: PLC0415
    from ictops.operations.hardware import begin_survey, record_hardware  # noqa: PLC0415
    from ictops.operations.report import exit_code, report_of  # noqa: PLC0415

    run_id = begin_survey(journal, settings, sites=codes, limit=limit)
    totals: dict[str, int] = {}
    for host in journal.hosts(run_id):
        totals[host.site] = totals.get(host.site, 0) + 1
    show = Show(console(stderr=True), totals)
    with show.live():
        carry(journal, run_id, settings, notice=show)
    recorded = record_hardware(journal, journal.run(run_id))
    for name, how in recorded.healed.items():
        console(stderr=True).print(f"{name} {how}")
    for name, why in recorded.unreadable.items():
        console(stderr=True).print(f"{name}: what it says of itself cannot be read: {why}")
    return exit_code(report_of(journal, run_id))


def _print(known: list[HardwareRecord], hosts: int) -> None:
    from ictops.operations.hardware import own_disks  # noqa: PLC0415

    shown = table("host", "model", "serial", "firmware", "memory", "disks", "seen")
    for one in known:
        disks = "\n".join(
            f"{disk.path} {disk.size / GIGA:.0f} GB {disk.model} {disk.serial}"
            for disk in own_disks(one)
        )
        firmware = one.firmware + (", Secure Boot" if one.secure_boot else "")
        model = f"{one.vendor} {one.model}".strip()
        memory = f"{one.memory / GIGA:.0f} GB"
        shown.add_row(one.host, model, one.serial, firmware, memory, disks, local(one.seen_at))
    out = console()
    if known:
        out.print(shown)
    if len(known) < hosts:
        out.print(f"{hosts - len(known)} hosts were never looked at: --survey looks at those on")
