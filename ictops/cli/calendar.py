"""``ictops calendar``: the school year, drawn."""

from __future__ import annotations

import calendar as months
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.columns import Columns
from rich.text import Text

from ictops.cli.completion import complete_cluster, complete_site
from ictops.cli.output import as_json, console, days, from_here, show_error
from ictops.errors import Exit

if TYPE_CHECKING:
    from rich.console import Console

    from ictops.calendars.site import Day
    from ictops.operations.calendar import SchoolYear

calendar_app = typer.Typer(help="Look at school years.", no_args_is_help=True)

# A letter as well as a colour: not everybody, and no file, sees colours.
MARKS = {
    "school day": ("·", "white"),
    "inset": ("I", "black on yellow"),
    "holiday": ("H", "black on green"),
    "bank holiday": ("B", "black on cyan"),
    "weekend": (" ", "dim"),
    "unknown": ("?", "magenta"),
    "freeze": ("F", "white on red"),
}
LEGEND = {
    "school day": "school day",
    "inset": "INSET day",
    "holiday": "holiday",
    "bank holiday": "bank holiday",
    "freeze": "freeze",
    "unknown": "not in the calendar: taken as a school day",
}
NOTES_SHOWN = 10


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
        int | None,
        typer.Option(
            min=2000, max=2098, help="The year in which it begins; if not given, the present one."
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="If not the default one.", autocompletion=complete_cluster)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Draw a school year: holidays, INSET days, freezes, and when changes may be made.

    It begins in September; in Scotland in August. docs/calendars.md says where it comes from.

    Exit codes: 0 shown, 3 a calendar cannot be relied on ('ictops inventory check' says all).

    Example: ictops calendar show --site oakfield --year 2026
    """
    from ictops.operations.calendar import school_years  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    years, errors = school_years(load_settings(cluster), site, year)
    if json:
        as_json({one.site: one for one in years})
    else:
        out = console()
        for one in years:
            _draw(out, one)
        if years:
            _legend(out, years)
    for error in errors:
        show_error(error)
    if errors:
        raise typer.Exit(Exit.FAULTS)


def _draw(out: Console, year: SchoolYear) -> None:
    title = f"{year.name} ({year.site}), {year.first.year}/{year.last.year % 100:02}"
    out.print(Text(title, style="bold"))
    by_date = {day.date: day for day in year.days}
    begins = sorted({day.replace(day=1) for day in by_date})
    out.print(Columns([_month(by_date, first) for first in begins], padding=(0, 3)))
    out.print()
    width = max((len(days(span.first, span.last)) for span in year.dates), default=0)
    for span in year.dates:
        out.print(f"{days(span.first, span.last):<{width}}  {span.name}", soft_wrap=True)
    out.print()
    _say_when(out, year)
    _say_whence(out, year)
    out.print()


def _month(by_date: dict[date, Day], first: date) -> Text:
    """Draw a month: each day's number and mark."""
    text = Text(f"{first:%B %Y}".center(28) + "\n", style="")
    text.append("".join(f"{name:<4}" for name in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")))
    for week in months.Calendar().monthdatescalendar(first.year, first.month):
        text.append("\n")
        for day in week:
            if day.month != first.month:
                text.append("    ")
                continue
            known = by_date[day]
            mark, style = MARKS["freeze" if known.freeze else known.kind]
            text.append(f"{day.day:>2}{mark}", style=style)
            text.append(" ")
    return text


def _say_when(out: Console, year: SchoolYear) -> None:
    from ictops.operations.calendar import open_at  # noqa: PLC0415

    out.print("Changes may be made, but never in a freeze:")
    kinds = groupby(year.hours.items(), key=lambda item: _hours(item[1]))
    for hours, items in kinds:
        names = ", ".join(LEGEND.get(kind, kind) for kind, _ in items)
        out.print(f"  {names}: {hours}", soft_wrap=True)
    found = open_at(year, datetime.now(UTC))
    if found is not None:
        what = "yes, until" if found[0] else "no, not before"
        out.print(f"  now: {what} {found[1]:%a %d %b %Y %H:%M}")


def _hours(by_weekday: dict[str, tuple[str, ...]]) -> str:
    """Say hours, with the weekdays only where they differ."""
    said = []
    for hours, group in groupby(by_weekday.items(), key=lambda item: item[1]):
        names = [name[:3].capitalize() for name, _ in group]
        text = ", ".join(hours) or "never"
        text = "all day" if text == "00:00-24:00" else text
        said.append((names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}", text))
    return said[0][1] if len(said) == 1 else "; ".join(" ".join(one) for one in said)


def _say_whence(out: Console, year: SchoolYear) -> None:
    known = days(year.known.first, year.known.last)
    file = from_here(Path(year.calendar))
    text = f"From {file}, which speaks of {known}; clocks of {year.timezone}."
    out.print(text, soft_wrap=True)
    for note in year.notes[:NOTES_SHOWN]:
        when = days(note.span.first, note.span.last)
        text = f"  line {note.line}: {note.span.name!r} ({when}): {note.what}"
        out.print(text, style="yellow", soft_wrap=True)
    if len(year.notes) > NOTES_SHOWN:
        out.print(f"  and {len(year.notes) - NOTES_SHOWN} more ('--json' shows all)")


def _legend(out: Console, years: list[SchoolYear]) -> None:
    kinds = {day.kind for year in years for day in year.days} | {"freeze"}
    marks = [f"{MARKS[kind][0]} {text}" for kind, text in LEGEND.items() if kind in kinds]
    out.print("  ".join(marks))
