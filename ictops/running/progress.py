"""How far a host is in a task that takes long: such a task says it each time that it looks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ictops.running.messages import Event

RETRY = "runner_retry"
"""The event of a task that looks again (``until``)."""
KEY = "ictops_progress"
"""Of such a task's result: what :class:`Progress` holds."""


class Progress(BaseModel):
    """How far a host is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: str
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Of the step."""
    rate: Annotated[float, Field(ge=0)] | None = None
    """Bytes a second."""
    remaining: Annotated[int, Field(ge=0)] | None = None
    """Seconds of the step."""
    text: str = ""
    """All of it in words."""


def progress_of(event: Event) -> Progress | None:
    """Give how far an event's host is; None where the event tells nothing of it."""
    return progress_in(event.data) if event.kind == RETRY else None


def progress_in(data: dict[str, Any]) -> Progress | None:
    """Give what an event's data tell of progress, if they do."""
    result = data.get("res")
    told = result.get(KEY) if isinstance(result, dict) else None
    if told is None:
        return None
    try:
        return Progress.model_validate(told)
    except ValidationError:  # another role's word for something else
        return None
