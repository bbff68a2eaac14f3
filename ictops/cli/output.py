"""How commands show things: tables for people, JSON for scripts, times in the site's zone."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

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


def local(moment: datetime | None) -> str:
    """Give a time as a person here reads it."""
    return moment.astimezone().strftime("%a %d %b %Y %H:%M") if moment else ""


def table(*columns: str, title: str = "") -> Table:
    """Give an empty table in the house style."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, header_style="bold", overflow="fold")
    return made
