"""How commands show things: tables for people, JSON for scripts, times in the site's zone."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status
from rich.table import Table
from rich.text import Text

from ictops.errors import IctopsError

STYLES = {
    "ok": "green",
    "changed": "yellow",
    "failed": "bold red",
    "unreachable": "red",
    "deferred": "magenta",
    "skipped": "dim",
    "pending": "dim",
    "finished": "green",
    "cancelled": "red",
    "paused": "magenta",
    "running": "cyan",
    "waiting": "blue",
    "done": "green",
    "stopped": "bold red",
    "open": "cyan",
    "at work": "cyan",
    "pinned": "green",
    "new": "yellow",
    "revoked": "bold red",
    "silent": "red",
    "up": "green",
    "free": "cyan",
    "down": "magenta",
    "disabled": "dim",
    "clean": "green",
    "drift": "yellow",
    "error": "bold red",
    "planned": "dim",
    "claimed": "cyan",
    "begun": "cyan",
    "missed": "bold red",
    "kept": "green",
    "good": "green",
    "proved": "green",
    "late": "bold red",
    "FAILED": "bold red",
    "never": "bold red",
    "erased": "green",
    "NOT ERASED": "bold red",
}
"""One colour a word, everywhere."""


# C0 without the line's end, DEL and C1, and what turns the direction of writing.
_STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Screen(Console):
    """A console on which nothing that is shown can act.

    What a host, an inventory or a calendar says is text: it is not read as rich's markup, and
    no control character of it reaches the terminal, where it could recolour, retitle or erase.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or not _STEERING.search(segment.text):
                yield segment
            else:
                yield Segment(
                    _STEERING.sub("\N{REPLACEMENT CHARACTER}", segment.text), segment.style
                )


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Give a console that never reads markup in what it prints, nor lets it act."""
    return _Screen(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


@contextmanager
def working(what: str) -> Iterator[Status]:
    """Say on a terminal what is being done while it lasts; a question must stop it first."""
    with console(stderr=True).status(what) as status:
        yield status


def show_error(error: IctopsError) -> None:
    """Say on standard error what is wrong, where, and what to do."""
    out = console(stderr=True)
    where = f"{error.where}: " if error.where else ""
    out.print(Text("✗ ", style="bold red") + Text(where + error.what), soft_wrap=True)
    if error.do:
        out.print(f"  → {error.do}", soft_wrap=True)


def counted(number: int, what: str) -> str:
    """Give a number with its noun: "1 host", "2 hosts", "3 switches"."""
    if number == 1:
        return f"1 {what}"
    return f"{number} {what}{'es' if what.endswith('ch') else 's'}"


def size(number: int) -> str:
    """Give bytes as a person reads them, in the powers of ten that disks are sold by."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:  # noqa: PLR2004 - three digits, and no "1000 kB"
            return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB" if value < 999.5 else f"{value:,.0f} TB"  # noqa: PLR2004


def styled(word: str) -> Text:
    """Give a state or an outcome in its colour."""
    return Text(word, style=STYLES.get(word, ""))


def as_json(value: Any) -> None:
    """Print a value as JSON: dataclasses as objects, times as ISO 8601 with their offset."""

    def known(thing: Any) -> Any:
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            return dataclasses.asdict(thing)
        if isinstance(thing, datetime):
            return thing.isoformat()
        return str(thing)

    text = json.dumps(value, default=known, indent=2, ensure_ascii=False)
    # JSON escapes not all of what acts on a terminal.
    sys.stdout.write(_STEERING.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n")


def from_here(path: Path) -> str:
    """Give a path as it would be typed here, if it is below this directory."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def days(first: date, last: date) -> str:
    """Give days, both included, as a person reads them: "Mon 26 Oct to Fri 30 Oct 2026"."""
    if first == last:
        return f"{first:%a %d %b %Y}"
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first:%a %d %b}{year} to {last:%a %d %b %Y}"


def local(moment: datetime | None) -> str:
    """Give a time as a person here reads it."""
    return moment.astimezone().strftime("%a %d %b %Y %H:%M") if moment else ""


def table(*columns: str, title: str = "") -> Table:
    """Give an empty table in the house style."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, header_style="bold", overflow="fold")
    return made
