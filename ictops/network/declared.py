"""What files that describe a kind of switch have in common: strict parts, regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict

_REPEATED = re.compile(r"(?<!\\)\)[*+]\+")


def as_expression(text: str) -> str:
    r"""Give the text of an expression back if it is one.

    A group is not repeated possessively, as in ``(?: \S+)*+``: before 3.11.5, as in Debian 12,
    Python goes on behind half a repetition (https://github.com/python/cpython/issues/106052).
    """
    if _REPEATED.search(text):
        raise ValueError(f"{text!r} repeats a group possessively, which not every Python can")
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


def line_expression(text: str) -> str:
    """Likewise, if it begins at the start of a line."""
    if not text.startswith("^"):  # those are far faster: no need to try at each character
        raise ValueError(f"{text!r} does not begin with ^")
    return as_expression(text)


Expression = Annotated[str, AfterValidator(as_expression)]
"""A regular expression, searched for in one line at a time."""
LineExpression = Annotated[str, AfterValidator(line_expression)]
"""A regular expression that a line begins with."""


@lru_cache(maxsize=8192)  # of re itself 512 are kept, fewer than the platforms have
def compiled(text: str) -> re.Pattern[str]:
    """Give an expression compiled."""
    return re.compile(text)


def first_match(expressions: Sequence[str], line: str) -> re.Match[str] | None:
    """Give how a line matches the first of some expressions that it matches, from its start."""
    found = (compiled(one).match(line) for one in expressions)
    return next((match for match in found if match is not None), None)


class Part(BaseModel):
    """A part of a platform's file: what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_declared(path: Path) -> dict[str, object]:
    """Give what a file says, and what the one that it is ``like`` says where it says nothing."""
    said: dict[str, object] = yaml.safe_load(path.read_text(encoding="utf-8"))
    like = said.pop("like", None)
    return said if like is None else {**read_declared(path.with_name(f"{like}.yml")), **said}
