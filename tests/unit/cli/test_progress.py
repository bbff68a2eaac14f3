"""How far hosts are, on a terminal and in a file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ictops.cli import progress
from ictops.cli.progress import Show
from ictops.running.course import Notice


def told(percent: int, step: str = "fetching", host: str = "oak-1") -> Notice:
    text = f"{step}: {percent} %, 80.0 MB/s, 9 s left"
    return Notice("oak", "progress", text, host, step, percent)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def show_on(out: io.StringIO, *, terminal: bool) -> Show:
    console = Console(file=out, force_terminal=terminal, width=120, height=40, _environ={})
    return Show(console, {"oak": 2})


def test_without_a_terminal_a_line_a_step_is_written_and_one_from_time_to_time(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    show = show_on(out, terminal=False)
    for step, percent, seconds in [
        ("fetching", 1, 0), ("fetching", 9, 8), ("fetching", 40, 31), ("verifying", 2, 32),
    ]:  # fmt: skip
        now = 1000.0 + seconds
        show(told(percent, step))
    lines = out.getvalue().splitlines()
    assert [line.split("oak-1 ")[1].split(",")[0] for line in lines] == [
        "fetching: 1 %", "fetching: 40 %", "verifying: 2 %",
    ]  # fmt: skip
    assert all("at work" in line for line in lines)


def test_on_a_terminal_a_host_has_a_bar_for_as_long_as_it_tells(out: io.StringIO):
    show = show_on(out, terminal=True)
    with show.live():
        show(told(45))
        show(told(50, host="oak-2"))
        bars = {task.description.strip(): task for task in show._progress.tasks}
        assert bars["oak-1"].percentage == 45
        assert "80.0 MB/s" in bars["oak-1"].fields["now"]
        show(Notice("oak", "progress", "", "oak-1"))
        show(Notice("oak", "host", "", "oak-2", "changed"))
        assert [task.description for task in show._progress.tasks] == ["oak"]
        assert show._progress.tasks[0].completed == 1


def test_more_hosts_than_fit_on_a_screen_have_no_bars(out: io.StringIO):
    show = show_on(out, terminal=True)
    for number in range(30):
        show(told(1, host=f"oak-{number}"))
    assert len(show._progress.tasks) == 1 + progress.MOST_HOSTS
