"""How a kind of switch is changed, and how it takes a change back by itself: its dead-man switch.

What the words of a platform's file under ``change`` mean; docs/switches.md tells it for people.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from ictops.network.declared import Expression, Part

MOST_MINUTES = 59
"""Every platform's timer can be that long; EOS is told minutes of an hour."""
EMULATED = "emulated"


def _template(text: str) -> str:
    try:
        text.format(minutes=1, name="ictops")
    except (LookupError, ValueError) as error:
        raise ValueError(f"{text!r} names something else than minutes and name") from error
    return text


Template = Annotated[str, AfterValidator(_template)]


class Answer(Part):
    """What is said to a question of the switch."""

    asks: Expression
    """The end of the question."""
    say: str = ""
    key: bool = False
    """One key is the answer: no Enter after it."""


class Step(Part):
    """A line that is said to the switch on the way."""

    say: Template
    """``{minutes}`` and ``{name}``, one of this change's own, may stand in it."""
    sees: Expression | None = None
    """What it must answer: without it the step counts as refused."""
    fails: Expression | None = None
    """What it answers if it refuses, where that is none of the platform's ``refusals``."""
    idle: Expression | None = None
    """What it answers if no change waits for being kept (any more)."""
    answers: tuple[Answer, ...] = ()


def _step(value: object) -> object:
    return {"say": value} if isinstance(value, str) else value


Steps = tuple[Annotated[Step, BeforeValidator(_step)], ...]


class Method(Part):
    """A dead-man switch: unless the change is kept within some minutes, it is taken back."""

    name: str
    arm: Steps = ()
    """Said before it is gone into configuration."""
    enter: Steps | None = None
    leave: Steps | None = None
    """In the place of the platform's own, where they arm it."""
    abandon: Steps | None = None
    """Out of configuration where the change is given up; as ``leave`` where nothing is said."""
    keep: Steps = ()
    """Keeps the change, said in a new session."""
    undo: Steps = ()
    """Takes the change back at once; without it ictops says the lines that lead back."""
    disarm: Steps = ()
    """Said where the old configuration runs again: nothing is left that would still come."""
    unarmed: Annotated[Step, BeforeValidator(_step)] | None = None
    """Shows that nothing waits any more: asked after ``keep`` and ``disarm``."""
    tidy: Steps = ()
    """Said at the end, whatever came of it; need not be taken."""
    candidate: bool = False
    """Whether nothing of the change runs before ``leave``."""
    reboots: bool = False
    """Whether it takes the change back by a reboot: what runs must be stored before."""

    @property
    def emulated(self) -> bool:
        """Whether ictops itself, not the switch, is what takes the change back."""
        return self.name == EMULATED


class Changing(Part):
    """How a kind of switch is changed."""

    enter: Steps = ()
    """Into configuration; nothing where its lines say that themselves."""
    leave: Steps = ()
    up: str | None = None
    """Out of a block of lines, into the one around it; None where there are no modes."""
    answers: tuple[Answer, ...] = ()
    """To what it asks about lines of configuration and about saving."""
    methods: tuple[Method, ...] = ()
    """Tried in turn: the first that can be armed. None: the dead-man switch is emulated."""

    def tried(self) -> tuple[Method, ...]:
        """Give the methods that are tried, each with all its steps."""
        own = self.methods or (Method(name=EMULATED),)
        return tuple(self._filled(one) for one in own)

    def _filled(self, method: Method) -> Method:
        leave = self.leave if method.leave is None else method.leave
        return method.model_copy(
            update={
                "enter": self.enter if method.enter is None else method.enter,
                "leave": leave,
                "abandon": leave if method.abandon is None else method.abandon,
            }
        )
