"""From the options of ``ictops plan`` to a request, and from a draft to what is shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, days, table
from ictops.cli.plan_options import PlanOptions
from ictops.errors import Exit, PlanError
from ictops.operations.planning import Draft, Request, Span, name_playbook
from ictops.planning.timeline import rows_to_show, site_table, timeline
from ictops.planning.waves import parse_canary, parse_shares
from ictops.plans.durations import format_duration, parse_duration
from ictops.plans.file import plan_digest, write_plan
from ictops.plans.model import Gate, Plan
from ictops.settings import Limits, Settings

WIDTH = 120
"""Columns where it is not a terminal that is written to."""
MOST_SITES = 40
"""How many sites are drawn; those in trouble come first."""
MOST_ABOUT = 40
"""How many hosts are listed of which something is told."""


def build_request(settings: Settings, asked: PlanOptions) -> Request:
    """Give what the options ask for.

    :raises PlanError: naming the option that is wrong.
    """
    if asked.holiday and (asked.start or asked.until):
        raise PlanError("give a holiday or dates, not both", where="--in")
    if not asked.holiday and not asked.until:
        raise PlanError(
            "a plan must know when",
            where="--in",
            do='Add --in "october half-term", or --from and --until',
        )
    codes = _names(asked.sites)
    try:
        gate = Gate(
            site_failures=_budget(asked.site_failures),
            run_failures=_budget(asked.run_failures),
            soak=length(asked.soak, "--soak"),
            health=name_playbook(asked.health) if asked.health else None,
            approval=asked.approval,
        )
    except ValidationError as error:
        option = str(error.errors()[0]["loc"][0]).replace("_", "-")
        raise PlanError(
            "write a count or a share, such as 2 or 10%", where=f"--{option}"
        ) from error
    own = settings.limits
    return Request(
        sites=() if codes == ("all",) else codes,
        span=Span(holiday=asked.holiday, start=asked.start, until=asked.until),
        limit=asked.limit,
        rooms=_names(asked.rooms or ""),
        canary=parse_canary(asked.canary),
        shares=parse_shares(asked.shares),
        gate=gate,
        limits=Limits(
            site=asked.site_limit or own.site,
            room=asked.room_limit or own.room,
            switch=asked.switch_limit or own.switch,
            total=asked.total_limit or own.total,
        ),
        retry_every=(
            length(asked.retry_every, "--retry-every")
            if asked.retry_every
            else settings.retry_every
        ),
        estimate=length(asked.estimate, "--estimate") if asked.estimate else None,
        needs_approval=asked.needs_approval,
    )


def _names(text: str) -> tuple[str, ...]:
    """Give names that were given with commas between them, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def show(
    draft: Draft,
    *,
    output: Path | None,
    as_json: bool,
    write: bool = True,
    approvers: Sequence[tuple[str, datetime]] = (),
) -> None:
    """Write the plan where a file is wanted, show it, and exit with 6 where it does not fit."""
    if write and output:
        write_plan(draft.plan, output)
    if as_json:
        print_json(_as_data(draft, approvers))
    else:
        _print(draft, approvers)
        _say_next(draft, output, write=write)
    if not draft.forecast.fits:
        raise typer.Exit(Exit.NOT_NOW)


def _as_data(draft: Draft, approvers: Sequence[tuple[str, datetime]]) -> dict[str, object]:
    plan, forecast = draft.plan, draft.forecast
    return {
        "digest": plan_digest(plan),
        "fits": forecast.fits,
        "without_window": list(forecast.without_window),
        "forecast": {
            code: {
                "overflow_seconds": one.overflow.total_seconds(),
                "waves": [
                    {
                        "name": wave.name,
                        "hosts": wave.hosts,
                        "start": wave.start.isoformat(),
                        "end": wave.end.isoformat(),
                    }
                    for wave in one.waves
                ],
            }
            for code, one in forecast.sites.items()
        },
        "remedy": (
            forecast.remedy.words(plan.limits, len(forecast.overflows)) if forecast.remedy else None
        ),
        "notes": list(draft.notes),
        "approved_by": [{"by": by, "at": at.isoformat()} for by, at in approvers],
        "plan": plan.model_dump(mode="json"),
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _span(plan: Plan) -> str:
    """Give the days between which its windows lie: the table has no year in it."""
    spans = [span for site in plan.sites.values() for span in site.windows]
    if not spans:
        return ""
    last = max(span.end for span in spans) - timedelta(microseconds=1)  # midnight ends a day
    return f", {days(min(span.start for span in spans).date(), last.date())}"


def _print(draft: Draft, approvers: Sequence[tuple[str, datetime]]) -> None:
    out = console(width=None if sys.stdout.isatty() else WIDTH)
    plan, forecast = draft.plan, draft.forecast
    out.print(Text(plan.title, style="bold"), end=" ")
    whom = f"{_count(len(plan.hosts), 'host')} of {_count(len(plan.sites), 'site')}"
    out.print(f"on {whom} in {plan.cluster}{_span(plan)}")
    estimate = plan.estimate
    known = {
        "past runs": f"from {estimate.samples} hosts in past runs",
        "given": "as given",
        "default": "by default: it never ran here; --estimate sets another",
    }[estimate.source]
    lasts = format_duration(timedelta(seconds=round(estimate.seconds)))
    limits = plan.limits
    out.print(
        f"A batch takes {lasts} ({known}); at once {limits.site} a site, {limits.room} a room, "
        f"{limits.switch} a switch, {limits.total} in all\n"
    )
    codes = rows_to_show(forecast, plan, MOST_SITES)
    out.print(site_table(plan, forecast, codes))
    if len(codes) < len(plan.sites):
        out.print(f"... and {len(plan.sites) - len(codes):,} more sites; --json lists them all")
    out.print()
    for row in timeline(
        plan, forecast, codes, width=out.width, now=datetime.now(UTC),
        plain=not _shows_blocks(out),
    ):  # fmt: skip
        out.print(row, no_wrap=True, overflow="crop")
    out.print()
    if plan.about:
        listed = table("host", "seen of it")
        for host, told in list(plan.about.items())[:MOST_ABOUT]:
            listed.add_row(host, told)
        out.print(listed)
        if len(plan.about) > MOST_ABOUT:
            out.print(f"... and {len(plan.about) - MOST_ABOUT:,} more; --json lists them all")
        out.print()
    for note in draft.notes:
        out.print(Text("! ", style="yellow") + Text(note), soft_wrap=True)
    for by, at in approvers:
        zone = ZoneInfo(next(iter(plan.sites.values())).timezone)
        out.print(f"Approved by {by} on {at.astimezone(zone):%a %d %b %Y %H:%M}")
    if forecast.fits:
        out.print(Text("It fits its windows.", style="green"))
        return
    out.print(Text("It does not fit its windows.", style="bold red"))
    if forecast.without_window:
        some = ", ".join(forecast.without_window[:10])
        out.print(f"  No window: {some}", soft_wrap=True)
    if forecast.remedy:
        words = forecast.remedy.words(plan.limits, len(forecast.overflows))
        out.print(f"  {words}", soft_wrap=True)


def _say_next(draft: Draft, output: Path | None, *, write: bool) -> None:
    if not write:
        return
    out = console()
    if output is None:
        out.print("Nothing was written; add -o plan.yml to keep the plan.")
        return
    approve = f" ictops plan approve {output}, then" if draft.plan.needs_approval else ""
    out.print(f"Written to {output}. Next:{approve} ictops apply {output}", soft_wrap=True)


def _shows_blocks(out: Console) -> bool:
    return out.is_terminal and (out.encoding or "").lower().startswith("utf")


def _budget(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def length(text: str, option: str) -> timedelta:
    """Read how long something lasts.

    :raises PlanError: naming the option that is wrong.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise PlanError(str(error), where=option) from error
