"""A run as it goes: a bar a site in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from ictops.cli.output import STYLES

FINAL = frozenset({"ok", "changed", "failed", "skipped"})


class NoticeLike(Protocol):
    """What :class:`ictops.running.course.Notice` has; named here so as not to import it."""

    @property
    def site(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def outcome(self) -> str: ...


class Show:
    """Shows each notice once, and how far each site is."""

    def __init__(
        self, console: Console, totals: Mapping[str, int], words: Mapping[str, str] | None = None
    ) -> None:
        """Begin with no host done.

        :param totals: hosts to do, by site.
        :param words: other words for outcomes, where theirs would mislead.
        """
        self._console = console
        self._words = words or {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {
            site: self._progress.add_task(site, total=total, now="")
            for site, total in totals.items()
        }

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the bars up while this lasts."""
        with self._progress:
            yield

    def __call__(self, notice: NoticeLike) -> None:
        bar = self._bars.get(notice.site)
        if notice.what == "host":
            if bar is not None and notice.outcome in FINAL:
                self._progress.advance(bar)
            text = notice.text.splitlines()[0] if notice.text else ""
            self._line(notice.site, notice.host, notice.outcome, text)
            return
        if bar is not None:
            self._progress.update(bar, now=notice.text)
        self._line(notice.site, "", notice.outcome or notice.what, notice.text)

    def _line(self, site: str, host: str, word: str, text: str) -> None:
        word = self._words.get(word, word)
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        self._console.print(
            Text.assemble(
                (f"{now} ", "dim"),
                f"{site:<12} ",
                (f"{word:<12}", STYLES.get(word, "")),
                " ".join(part for part in (host, text) if part),
            ),
            soft_wrap=True,
        )
