"""Every command has an example, JSON for scripts, and its exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer

from ictops.cli.app import app
from ictops.errors import Exit

NOT_FOR_SCRIPTS = {"lab up", "lab down", "lab fault"}


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    def below(command, words: list[str]):
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, [*words, name])
        if not hasattr(command, "commands"):
            yield " ".join(words), command

    yield from below(typer.main.get_command(app), [])


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_it_has_an_example_that_it_understands(name):
    command = COMMANDS[name]
    line = rf"^ *Examples?: (?:sudo )?ictops {name}(?= |$|;)(.*)"
    example = re.search(line, command.help, re.MULTILINE)
    assert example, command.help
    known = {option for param in command.params for option in param.opts}
    assert set(re.findall(r"(?<= )--?[a-z-]+", example[1])) <= known


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - NOT_FOR_SCRIPTS))
def test_it_has_json(name):
    assert any("--json" in param.opts for param in COMMANDS[name].params)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name):
    for param in COMMANDS[name].params:
        assert param.help, f"{name} {param.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_sites_hosts_clusters_and_runs_are_completed(name):
    for param in COMMANDS[name].params:
        if param.name in {"code", "host", "run_id", "sites", "site", "cluster", "replace"} and (
            name != "lab up" or param.name == "cluster"
        ):
            if name.startswith("lab ") and param.name == "cluster":
                continue
            assert param._custom_shell_complete is not None, f"{name} {param.name}"


def test_the_exit_codes_are_listed(typed):
    said = " ".join(typed("--help", code=0).out.split())
    listed = re.findall(r"(\d) [a-z]", said[said.index("Exit codes:") :])
    assert listed == [str(int(code)) for code in Exit]
    for name, command in COMMANDS.items():
        for code in re.findall(r"Exit codes?:? (\d)", command.help):
            assert int(code) in list(Exit), name


def test_nothing_asked_shows_what_there_is(typed):
    assert "Usage: ictops" in typed(code=2).out
    assert "No such command 'aply'" in typed("aply", code=2).err
