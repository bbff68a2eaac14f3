"""A plan drawn for the terminal: a table of sites, and their waves along the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from ictops.planning.fit import SiteTimes
from ictops.planning.forecast import Forecast
from ictops.plans.durations import format_duration
from ictops.plans.model import Plan, SitePlan

_WAVE_STYLES = ("yellow", "cyan", "blue", "magenta", "green")
_STEPS = tuple(timedelta(minutes=m) for m in (5, 10, 15, 30, 60, 120, 180, 360))
_LABEL = 13
_MINUTE = timedelta(minutes=1)
_NARROWEST = 20
_MARGIN = 1.5


def rows_to_show(forecast: Forecast, plan: Plan, most: int) -> list[str]:
    """Give the sites to draw: those in trouble first, then in the plan's order."""
    trouble = [code for code in plan.sites if _in_trouble(code, forecast)]
    well = [code for code in plan.sites if not _in_trouble(code, forecast)]
    shown = {*trouble[:most], *well[: max(0, most - len(trouble))]}
    return [code for code in plan.sites if code in shown]


def _in_trouble(code: str, forecast: Forecast) -> bool:
    return code in forecast.overflows or code in forecast.without_window


def site_table(plan: Plan, forecast: Forecast, codes: Sequence[str]) -> Table:
    """Give a row a site: its hosts by wave, when it starts and ends, and whether that fits."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Site", "Hosts", "Waves", "Starts", "Ends", "Windows until", "Fits"):
        table.add_column(
            heading,
            justify="right" if heading == "Hosts" else "left",
            no_wrap=heading != "Waves",
        )
    for code in codes:
        site = plan.sites[code]
        waves = ", ".join(f"{w.name.removeprefix('share ')} {len(w.hosts)}" for w in site.waves)
        until = max((span.end for span in site.windows), default=None)
        starts, ends, fits = _verdict(code, site, forecast)
        last = _local(until, site) if until else "-"
        table.add_row(code, str(len(site.hosts)), Text(waves or "-"), starts, ends, last, fits)
    return table


def _local(moment: datetime, site: SitePlan) -> str:
    return f"{moment.astimezone(ZoneInfo(site.timezone)):%a %d %b %H:%M}"


def _verdict(code: str, site: SitePlan, forecast: Forecast) -> tuple[str, str, Text]:
    times = forecast.sites.get(code)
    if times is None:
        if code in forecast.without_window:
            return "-", "-", Text("no window", style="red")
        return "-", "-", Text("no host", style="dim")
    starts, ends = _local(times.start, site), _local(times.end, site)
    if times.overflow:
        late = format_duration(-(-times.overflow // _MINUTE) * _MINUTE)
        return starts, ends, Text(f"{late} too long", style="red")
    return starts, ends, Text("yes", style="green")


def timeline(
    plan: Plan,
    forecast: Forecast,
    codes: Sequence[str],
    *,
    width: int,
    now: datetime,
    plain: bool = False,
) -> list[Text]:
    """Draw a row a site over a common axis of local time.

    Windows are shaded, waves are blocks in them (by number where ``plain``), what does not fit
    is marked, and so is ``now`` where it falls in. ``plain`` keeps to ASCII. It ends soon after
    the end of all work, so that the waves can be told apart.
    """
    span = _span(plan, forecast, codes)
    if span is None:
        return []
    margin = max(len(code) for code in codes) + 1
    cells = max(_NARROWEST, width - margin)
    axis = _Axis(*span, cells, ZoneInfo(plan.sites[codes[0]].timezone))
    rows = [Text(" " * margin) + Text(axis.labels(), style="dim")]
    for code in codes:
        row = _row(plan.sites[code], forecast.sites.get(code), axis, plain=plain)
        at = axis.cell(now)
        if 0 <= at < cells:
            row = row[:at] + Text("|" if plain else "┃", style="bold red") + row[at + 1 :]
        rows.append(Text(code.ljust(margin)) + row)
    most = max((len(plan.sites[code].waves) for code in codes), default=0)
    rows.append(Text(" " * margin) + _legend(most, plain=plain))
    return rows


class _Axis:
    """Maps time to cells of a row."""

    def __init__(self, start: datetime, end: datetime, cells: int, zone: tzinfo) -> None:
        self.start, self.zone, self.cells = start.astimezone(UTC), zone, cells
        self.per_cell = max((end - start) / cells, timedelta(seconds=1))

    def cell(self, moment: datetime) -> int:
        return (moment - self.start) // self.per_cell

    def span(self, cell: int) -> tuple[datetime, datetime]:
        """Give the span of a cell."""
        return self.start + cell * self.per_cell, self.start + (cell + 1) * self.per_cell

    def labels(self) -> str:
        """Give the axis: round clock times, or dates where they would lie too close."""
        step = next((s for s in _STEPS if s / self.per_cell >= _LABEL), None)
        text, last = "", None
        for cell in range(self.cells):
            local = self.span(cell)[0].astimezone(self.zone)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            mark = midnight + (local - midnight) // step * step if step else midnight
            label = f"{mark:%a %H:%M}" if step else f"{mark:%a %d %b}"
            begins = mark != last if last or not step else mark == local
            if begins and len(text) <= cell and cell + len(label) < self.cells:
                text = text.ljust(cell) + label + " "
            last = mark
        return text.rstrip()


def _span(plan: Plan, forecast: Forecast, codes: Sequence[str]) -> tuple[datetime, datetime] | None:
    """Give what is drawn: from the first window on, some way past the end of all work."""
    windows = [span for code in codes for span in plan.sites[code].windows]
    if not windows:
        return None
    start = min(span.start for span in windows).astimezone(UTC)
    end = max(span.end for span in windows).astimezone(UTC)
    work_end = max((forecast.sites[c].end for c in codes if c in forecast.sites), default=end)
    return start, max(work_end, min(end, start + (work_end - start) * _MARGIN))


def _row(site: SitePlan, times: SiteTimes | None, axis: _Axis, *, plain: bool) -> Text:
    row = Text()
    last = max((span.end for span in site.windows), default=None)
    for cell in range(axis.cells):
        start, end = axis.span(cell)
        wave = next(
            (
                n
                for n, w in enumerate(times.waves if times else ())
                if w.start < end and start < w.end
            ),
            None,
        )
        inside = any(span.start < end and start < span.end for span in site.windows)
        late = last is not None and start >= last
        if wave is not None and late:
            row.append("!" if plain else "█", style="red")
        elif wave is not None and inside:
            style = _WAVE_STYLES[wave % len(_WAVE_STYLES)]
            row.append(str((wave + 1) % 10) if plain else "█", style=style)
        elif inside:
            row.append("-" if plain else "░", style="dim")
        else:
            row.append(" ")
    return row


def _legend(waves: int, *, plain: bool) -> Text:
    legend = Text()
    for number in range(waves):
        mark = str((number + 1) % 10) if plain else "█"
        legend.append(mark, style=_WAVE_STYLES[number % len(_WAVE_STYLES)])
        legend.append(f" wave {number + 1}   ")
    legend.append("-" if plain else "░", style="dim").append(" window   ")
    legend.append("!" if plain else "█", style="red").append(" too late   ")
    return legend.append("|" if plain else "┃", style="bold red").append(" now")
