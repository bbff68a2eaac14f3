"""``ictops calendar``: the school year, drawn."""

from __future__ import annotations

import calendar as months
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.columns import Columns
from rich.text import Text

from ictops.cli.completion import complete_site
from ictops.cli.output import as_json, console

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.calendars.site import SiteCalendar

calendar_app = typer.Typer(help="Look at school years.", no_args_is_help=True)

# A letter as well as a colour: not everybody, and no file, sees colours.
MARKS = {
    "school day": ("·", "white"),
    "inset": ("I", "black on yellow"),
    "holiday": ("H", "black on green"),
    "bank holiday": ("B", "black on cyan"),
    "weekend": (" ", "dim"),
    "freeze": ("F", "white on red"),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(calendar_app, name="calendar")


@calendar_app.callback()
def calendar() -> None:
    """Look at school years."""


@calendar_app.command()
def show(
    *,
    site: Annotated[
        str | None, typer.Option(help="Only this site.", autocompletion=complete_site)
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=2000, max=2100, help="The year in which it begins.")
    ] = None,
    cluster: Annotated[str | None, typer.Option(help="If not the default one.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Draw the school year, September to August: holidays, INSET days, freezes.

    Example: ictops calendar show --site oakfield --year 2026
    """
    from ictops.calendars.site import load_site_calendar  # noqa: PLC0415
    from ictops.estate.load import load_cluster  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    loaded = load_cluster(settings.cluster_dir, settings.cache_dir)
    chosen = [loaded.site(site)] if site else list(loaded.sites.values())
    today = datetime.now(UTC).date()
    begins = year or (today.year if today.month >= 9 else today.year - 1)  # noqa: PLR2004
    first, last = date(begins, 9, 1), date(begins + 1, 8, 31)
    calendars = {s.code: load_site_calendar(settings.cluster_dir, s) for s in chosen}
    if json:
        days = {c: [k.day(d) for d in _days(first, last)] for c, k in calendars.items()}
        as_json(days)
        return
    out = console()
    for one in chosen:
        out.print(Text(f"{one.name} ({one.code}) {begins}/{begins + 1}", style="bold"))
        _draw(out, calendars[one.code], first, last)
    legend = Text("  ".join(f"{mark} {name}" for name, (mark, _) in MARKS.items() if mark != " "))
    out.print(legend)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def _draw(out: Console, calendar: SiteCalendar, first: date, last: date) -> None:
    drawn = []
    for number in range(12):
        month = (first.month - 1 + number) % 12 + 1
        year = first.year + (first.month - 1 + number) // 12
        drawn.append(_month(calendar, year, month))
    out.print(Columns(drawn, padding=(0, 3)))
    for span in calendar.holidays:
        if span.last >= first and span.first <= last:
            out.print(f"  {span.first:%a %d %b %Y} to {span.last:%a %d %b %Y}  {span.name}")
    for freeze in calendar.rules.site_freezes:
        if freeze.end >= first and freeze.start <= last:
            text = f"  {freeze.start:%a %d %b %Y} to {freeze.end:%a %d %b %Y}  "
            out.print(f"{text}freeze: {freeze.name}")
    out.print()


def _month(calendar: SiteCalendar, year: int, month: int) -> Text:
    """Draw a month: each day's number and mark."""
    text = Text(f"{months.month_name[month]} {year}".center(28) + "\n", style="")
    text.append("".join(f"{name:<4}" for name in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")))
    for week in months.Calendar().monthdatescalendar(year, month):
        text.append("\n")
        for day in week:
            if day.month != month:
                text.append("    ")
                continue
            known = calendar.day(day)
            mark, style = MARKS["freeze" if known.freeze else known.kind]
            text.append(f"{day.day:>2}{mark}", style=style)
            text.append(" ")
    return text
