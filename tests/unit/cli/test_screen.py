"""What hosts and inventories say is text: it never acts on the terminal of who reads it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from ictops.cli.output import as_json, console, show_error, table
from ictops.cli.progress import Show
from ictops.errors import IctopsError

ACTS = [
    "[bold red]x[/]",
    "[link=https://evil.example]x[/link]",
    ":smiley:",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\x",
    "\x9b2J",
    "\x08\x08\x08",
    "a\rb",
    "\u202ecod.exe",
    "\u2066x",
    "\x00",
]
FORBIDDEN = {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))} | set(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def harmless(text: str) -> bool:
    return not FORBIDDEN & set(text)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    made = console(width=200)
    made.file = io.StringIO()
    return made


@pytest.mark.parametrize("said", ACTS)
def test_it_is_shown_as_it_is_written_and_does_nothing(screen, said):
    screen.print(said, f"in {said}", soft_wrap=True)
    shown = table("host", said, title=said)
    shown.add_row(said, said)
    screen.print(shown)
    text = screen.file.getvalue()
    assert harmless(text)
    if said[0] in "[:":
        assert text.count(said) == 6, "no markup, and no emoji, is read in it"


@pytest.mark.parametrize("said", ACTS)
def test_on_a_terminal_only_our_own_colours_reach_it(said):
    terminal = console(width=100)
    terminal._force_terminal = True
    terminal.file = io.StringIO()
    terminal.print(said, style="red")
    text = terminal.file.getvalue().replace("\x1b[31m", "").replace("\x1b[0m", "")
    assert harmless(text)
    assert "\x1b]8" not in text


def test_a_run_as_it_goes(screen):
    class Notice:
        site, what, text, host, outcome = "oak\x1b[2J", "host", "\x1b]0;x\x07 why", "\u202e", "ok"

    Show(screen, {"oak\x1b[2J": 3})(Notice())
    assert "why" in screen.file.getvalue()
    assert harmless(screen.file.getvalue())


def test_an_error_is_shown_whole_and_harmless(capsys):
    show_error(IctopsError("no \x1b[2J[bold]", where="/a/[b]/\u202e" + "x" * 300, do="do \x9b"))
    said = capsys.readouterr().err
    assert harmless(said)
    assert "x" * 300 in said, "it is not folded: somebody may want to copy it"
    assert "[bold]" in said


def test_json_is_json_and_harmless(capsys):
    value = {"é": ACTS, "path": Path("/x")}
    as_json(value)
    said = capsys.readouterr().out
    assert harmless(said)
    assert json.loads(said) == {"é": ACTS, "path": "/x"}
    assert "é" in said, "letters stay letters"


def test_names_of_an_inventory_in_every_command(typed, cluster, plan):
    group = cluster / "group_vars" / "site_rowan.yml"
    nasty = "Rowan \x1b[2J[bold]\u202e"
    group.write_text(group.read_text() + "\n" + yaml.safe_dump({"site_name": nasty, "note": nasty}))
    site = cluster / "rowan.yml"
    site.write_text(site.read_text() + 'evil: {hosts: {"row-x\\e[2J": {}}}\n')
    for words in (
        ("site", "list"),
        ("site", "show", "rowan"),
        ("inventory", "check"),
        ("inventory", "show", "row-srv-01"),
        ("calendar", "show", "--site", "rowan"),
        ("plan", "show", "plan.yml"),
        ("plan", "playbook", "site.yml", "--in", "christmas"),
    ):
        for more in ((), ("--json",)):
            said = typed(*words, *more)
            assert harmless(said.out + said.err), words
    assert "[bold]" in typed("site", "list", code=0).out


def test_a_terminal_that_does_not_know_our_letters(cluster):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "100"}
    for words, code in ((["site", "show", "nowhere \udcff"], 3), (["calendar", "show"], 0)):
        done = subprocess.run(
            [sys.executable, "-m", "ictops", *words],
            cwd=cluster.parents[1], env=environment, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr


def test_a_reader_that_has_gone(cluster):
    command = f"{sys.executable} -m ictops calendar show | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=cluster.parents[1], capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    assert done.stdout.count(b"\n") == 1
