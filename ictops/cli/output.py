"""How commands show things: tables for people, JSON for scripts, times in the site's zone."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
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
    "pinned": "green",
    "new": "yellow",
    "revoked": "bold red",
    "silent": "red",
}
"""One colour a word, everywhere."""


def console(*, stderr: bool = False) -> Console:
    """Give a console that never reads markup in what it prints."""
    return Console(stderr=stderr, highlight=False, markup=False)


def show_error(error: IctopsError) -> None:
    """Say on standard error what is wrong, where, and what to do."""
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    where = f"{error.where}: " if error.where else ""
    out.print(f"[bold red]✗[/] {escape(where + error.what)}")
    if error.do:
        out.print(f"  → {error.do}", markup=False)


def counted(number: int, what: str) -> str:
    """Give a number with its noun: "1 host", "2 hosts", "3 switches"."""
    if number == 1:
        return f"1 {what}"
    return f"{number} {what}{'es' if what.endswith('ch') else 's'}"


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

    sys.stdout.write(json.dumps(value, default=known, indent=2, ensure_ascii=False) + "\n")


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
