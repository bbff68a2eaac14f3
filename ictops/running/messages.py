"""What an executor is told and what it tells back; the same here and at a far worker.

No message holds a secret: a job finds the vault password for itself, and what it tells
back has been through the redactor.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

CUT = "… (cut)"
"""The end of what was too long to be kept whole."""

ShardKind = Literal["work", "health"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Order(_Message):
    """Run one shard: this playbook, on these hosts of this site."""

    run: str
    shard: int
    attempt: int = Field(ge=1)
    """Which try of the same wave of the same site this is."""
    fence: int = Field(ge=1)
    """Grows each time that a run changes hands; an older number is refused."""
    token: str
    """In the environment of every process of the shard, so that each can be found."""
    site: str
    kind: ShardKind = "work"
    inventory: str
    playbook: str
    hosts: list[str] = Field(min_length=1)
    extra_vars: dict[str, Any] = {}
    check: bool = False
    """Whether Ansible's check mode is on, with diff: nothing is changed."""
    strategy: Literal["resident", "linear"] = "linear"
    forks: int = Field(ge=1)
    ends_at: AwareDatetime | None = None
    """When the window closes in which it was started."""


class Event(_Message):
    """Something that happened in a shard, in ansible-runner's words, redacted."""

    shard: int
    fence: int
    counter: int
    at: AwareDatetime
    kind: str
    """ansible-runner's event name, such as ``runner_on_ok``."""
    host: str | None = None
    task: str | None = None
    data: dict[str, Any] = {}


class Ended(_Message):
    """The shard's job is over, and none of its processes are left."""

    shard: int
    fence: int
    status: Literal["successful", "failed", "canceled", "timeout", "error"]
    rc: int | None = None
    reason: str = ""


Report = Event | Ended
