"""What differs from one kind of simulated switch to the next: a file of ``platforms/`` each."""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BeforeValidator, ValidationError

from ictops.errors import LabError
from ictops.network.declared import Expression, Part, read_declared

FOLDER = Path(__file__).parent / "platforms"

_PART = re.compile(r"\[(\w[\w-]*)\]|<(\w+)(\.\.\.)?>")


class Command(Part):
    """A command that the switch knows."""

    do: str
    """The name of what carries it out, see :mod:`ictops.lab.farm.actions`."""
    say: str = ""
    """What it prints, where what carries it out leaves that to the platform."""
    ask: str = ""
    """What it asks before, where it does."""


def _command(value: object) -> object:
    return {"do": value} if isinstance(value, str) else value


Commands = dict[str, Annotated[Command, BeforeValidator(_command)]]
"""By how they are typed: ``sh[ow] run[ning-config]`` may be shortened to ``sh run``,
``<name>`` is a word, ``<name...>`` all that follows, and a word with ``?`` may be left out."""


class Prompts(Part):
    """What stands at the start of a line; ``{host}`` is the switch's name."""

    user: str = "{host}>"
    enable: str = "{host}#"
    config: str = "{host}({mode})#"
    top: str = "config"
    """What ``{mode}`` is outside all sections."""
    longest_name: int = 64
    """Of a longer name, the configuration modes show only so many letters."""


class Ansi(Part):
    """Control sequences around the prompt of a switch that paints a screen."""

    before: str = ""
    after: str = ""
    enter: str = "\r\n"
    """What a switch prints when Enter is pressed."""


class Pager(Part):
    """How output that is longer than a screen is shown."""

    lines: int = 24
    prompt: str = " --More-- "


class Errors(Part):
    """What the switch says to what it does not take; ``{caret}`` is room up to the line."""

    unknown: str
    refused: str
    """To a line that it knows and does not want, see the fault ``refuse``."""
    password: str
    """To a wrong enable password."""


class Section(Part):
    """A line that opens a mode of its own."""

    enter: Expression
    mode: str
    """The mode's name in the prompt; groups of ``enter`` may stand in it."""
    makes: Expression = ""
    """Which of them may be made; others must be there already, as ports are."""
    lines: tuple[Expression, ...] = ()
    """The lines that it takes, in the order in which the switch shows them."""
    sections: tuple[Section, ...] = ()


class Grammar(Part):
    """The lines of a configuration."""

    lines: tuple[Expression, ...] = ()
    sections: tuple[Section, ...] = ()
    statements: tuple[str, ...] = ()
    """For Junos: the statements that it knows, see :mod:`ictops.lab.farm.junos_tree`."""
    single: tuple[Expression, ...] = ()
    """Lines of which there is one: a new one takes the place of the one that matches alike."""
    lists: tuple[Expression, ...] = ()
    """Lines whose last word is a list, such as VLANs, that ``no`` takes members from."""
    adds: bool = False
    """Whether such a line adds members by itself, or only with the word ``add``."""
    one_owner: tuple[Expression, ...] = ()
    """Lists whose members belong to one section at a time, such as a port's untagged VLAN."""
    apart: tuple[Expression, ...] = ()
    """Lists of a section of which a member is in one at a time."""
    unshown: tuple[Expression, ...] = ()
    """Lists that say what is so by itself, which the switch takes and does not show."""
    negatives: tuple[Expression, ...] = ()
    """Lines that the switch shows with ``no`` before them."""
    rewrite: tuple[tuple[Expression, str], ...] = ()
    """How typed lines become those that the switch shows."""
    comment: Expression = "^!"
    """Lines that mean nothing, typed or in a configuration's text."""
    around: Expression = "^end$"
    """Lines of a configuration's text that are none of the configuration."""
    indent: str = " "
    separator: str = "!"
    """The line that a shown configuration has between its parts; may be empty."""
    closing: str = ""
    """The line that ends a shown section, such as ``exit``; may be empty."""
    exits: bool = False
    """Whether a configuration's text says by ``exit``, not by indentation, where a section
    ends, and has all but ``outside`` between ``configure`` and ``exit``."""
    outside: tuple[Expression, ...] = ()
    hostname: Expression = r'^hostname "?([^"\s]+)"?$'
    banner: Expression = ""
    """A line that starts a banner; its group is the text that ends it."""

    def in_place(self, name: str) -> tuple[re.Pattern[str], ...]:
        """Give one of the lists of expressions, compiled."""
        return _compiled(getattr(self, name))


class Paths(Part):
    """How the path of the management is found in a configuration."""

    interface: str = ""
    """The section of the management VLAN, ``{vlan}`` in it; empty for the whole."""
    also: str = ""
    """A line, ``{vlan}`` in it, that the whole needs as well; may be empty."""
    address: Expression
    """The line in it without which it has no address."""
    shut: Expression = "^shutdown$"
    open: Expression = ""
    """A line that a section needs in order not to be shut; empty where none is."""
    port: str = "interface {port}"
    """The section of the uplink; empty where VLANs list their ports."""
    carries: tuple[Expression, ...] = ()
    """Lines of the uplink that carry VLANs; group ``vlans``, or all VLANs without it."""
    carries_all: bool = True
    """Whether it carries all VLANs if there is no such line."""
    access: Expression = ""
    """The line of the uplink that carries one VLAN only; it counts where it is not a trunk."""
    trunk: Expression = ""
    """The line that makes it a trunk."""
    native: Expression = ""
    """The line of a trunk that names the VLAN of frames without a tag, else VLAN 1; empty
    where nobody has said yet how it is found, and a switch is no part of a plane."""
    vlan_ports: tuple[Expression, ...] = ()
    """Lines of the VLAN's section that list its ports."""


class Shown(Part):
    """Output with a part for each neighbour or interface."""

    head: str = ""
    each: str = ""
    foot: str = ""


class Wrap(Part):
    """Lines around a shown configuration; ``{now}`` and the like change by themselves."""

    head: str = ""
    foot: str = ""


class Kind(Part):
    """A kind of simulated switch."""

    name: str
    title: str
    dialect: str = "lines"
    """``lines`` for modes and lines, ``junos`` or ``routeros`` for those."""
    start: str = "user"
    """The mode after the login, ``user`` or ``enable``."""
    hello: str
    """What the switch shows after the login; says that it is simulated."""
    press_key: str = ""
    """What it shows before it waits for a key, where it does."""
    prompts: Prompts = Prompts()
    ansi: Ansi | None = None
    pager: Pager = Pager()
    enable_asks: str = "Password: "
    enable_tries: int = 3
    """How often it asks for the enable password before it says that it is wrong."""
    errors: Errors
    grammar: Grammar
    running: Wrap = Wrap()
    startup: Wrap = Wrap()
    version: str
    inventory: str = ""
    lldp: Shown = Shown()
    interfaces: Shown = Shown()
    status: Shown = Shown()
    """The ports once more, where another command says something else of them."""
    port: Expression = r"^interface (\S*\d)$"
    """Sections that ``interfaces`` shows; the group is the port's name."""
    ports_in: str = ""
    """The section in which those are; empty where they are in none."""
    user: Commands = {}
    enable: Commands = {}
    config: Commands = {}
    """Commands by mode; those of ``user`` are known in ``enable`` too."""
    exec_in_config: bool = False
    """Whether the commands of ``enable`` are known in the configuration modes."""
    do_in_config: bool = False
    """Whether they are with ``do`` before them."""
    login_options: bool = False
    """Whether a user's name may be followed by ``+`` and options of the terminal."""
    management: Paths | None = None

    def commands(self, mode: str) -> tuple[tuple[re.Pattern[str], Command], ...]:
        """Give what is known in a mode: ``user``, ``enable`` or ``config``."""
        return self._commands[mode]

    @cached_property
    def _commands(self) -> dict[str, tuple[tuple[re.Pattern[str], Command], ...]]:
        user = tuple((command_pattern(t), c) for t, c in self.user.items())
        enable = tuple((command_pattern(t), c) for t, c in self.enable.items())
        config = tuple((command_pattern(t), c) for t, c in self.config.items())
        more = (*enable, *user) if self.exec_in_config else ()
        return {"user": user, "enable": (*enable, *user), "config": (*config, *more)}


@cache
def _compiled(expressions: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in expressions)


def command_pattern(typed: str) -> re.Pattern[str]:
    """Give the expression of a command that is written as :data:`Commands` says."""
    whole = ""
    for word in typed.split(" "):
        optional = word.endswith("?")
        part = _word(word.removesuffix("?"))
        gap = " " if whole else ""
        whole += f"(?:{gap}{part})?" if optional else gap + part
    return re.compile(f"{whole}$")


def _word(word: str) -> str:
    out, at = "", 0
    for found in _PART.finditer(word):
        out += re.escape(word[at : found.start()])
        ending, name, rest = found.groups()
        if ending:
            out += "".join(f"(?:{re.escape(letter)}" for letter in ending) + ")?" * len(ending)
        else:
            out += f"(?P<{name}>{'.+' if rest else r'[^ ]+'})"
        at = found.end()
    return out + re.escape(word[at:])


def kind_names() -> list[str]:
    """Give the names of all kinds."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


@cache
def load_kind(name: str) -> Kind:
    """Give a kind by its name.

    :raises LabError: if there is none of that name, or its file is wrong.
    """
    if name not in kind_names():
        raise LabError(
            f"there is no simulated {name!r}",
            where="platform",
            do=f"There are {', '.join(kind_names())}",
        )
    path = FOLDER / f"{name}.yml"
    try:
        return Kind(name=name, **read_declared(path))
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise LabError(f"the simulated switch's file is wrong: {error}", where=str(path)) from error
