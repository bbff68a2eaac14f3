"""What a plan is: an operation laid out over sites, waves and windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from ictops.calendars.window import Window
from ictops.plans.durations import Duration
from ictops.plans.templates import holds_template
from ictops.settings import Limits

FORMAT: Literal[1] = 1

Share = Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})%$")]
Budget = Annotated[int, Field(ge=0)] | Share
"""A count of hosts, or a share of them such as ``10%``."""


HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}\z")]
"""No separator, glob or sign of Ansible's host patterns: a name is never more than one host."""
SiteCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\z")]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r} holds characters that cannot be printed")
    return value


Line = Annotated[str, AfterValidator(_printable)]
"""Text for a terminal: one line, no control characters."""


def _no_template(value: str) -> str:
    if holds_template(value):
        raise ValueError(f"{value!r} holds a template, which would run on this machine")
    return value


FileName = Annotated[Line, AfterValidator(_no_template)]
"""A name that Ansible is told: it reads templates in the names of playbooks, too."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowSpan(_Part):
    """A window as it stands in the file: local times with their offset."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _forwards(self) -> WindowSpan:
        if self.end <= self.start:
            raise ValueError("a window must end after it starts")
        return self

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)


class Wave(_Part):
    """Hosts of one site that are changed together."""

    name: Line
    hosts: list[HostName] = Field(min_length=1)


class Gate(_Part):
    """The rule between two waves."""

    site_failures: Budget = "10%"
    """Failed hosts that a site may have before it stops."""
    run_failures: Budget = "10%"
    """Failed hosts that the whole run may have before every site stops."""
    soak: Duration = timedelta(0)
    """How long to wait after a wave before the next one."""
    health: FileName | None = None
    """Playbook that checks the hosts of a wave after its soak."""
    approval: bool = False
    """Whether a person must let the next wave start."""


class Estimate(_Part):
    """How long one batch of hosts takes, and where that is known from."""

    seconds: float = Field(gt=0)
    source: Literal["past runs", "default", "given"]
    samples: int = Field(default=0, ge=0)


class SitePlan(_Part):
    """One school's part of a plan."""

    inventory: FileName
    """The site's inventory file, relative to the cluster's folder."""
    inventory_digest: str
    timezone: str
    windows: list[WindowSpan] = []
    waves: list[Wave] = []

    @field_validator("inventory")
    @classmethod
    def _inside_the_cluster(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise ValueError(f"{value!r} is no file inside the cluster's folder")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; one is Europe/London") from error
        return value

    @property
    def hosts(self) -> list[str]:
        return [host for wave in self.waves for host in wave.hosts]


class Plan(_Part):
    """An operation laid out over sites, waves and windows."""

    ictops_plan: Literal[1] = FORMAT
    """The format of the file; a newer ictops may write another."""
    operation: Line
    """``rollout``, ``playbook``, …: what a run is listed and its time estimated by."""
    title: Line
    cluster: Line
    made_at: AwareDatetime
    made_by: Line
    playbook: FileName
    """A path, or the name of one of ictops' own playbooks such as ``rollout.yml``."""
    playbook_digest: str
    roles_digest: str
    extra_vars: dict[str, Any] = {}
    idempotent: bool = True
    """Whether a host whose outcome is unknown after a crash may simply be done again."""
    check: bool = False
    """Whether it only looks what would be changed: Ansible's check mode, with diff."""
    beside: bool = False
    """Whether it may be at a host while another run is: it only reads, or adds what is new."""
    needs_approval: bool = False
    two_people: bool = False
    """Whether the approval must be another person's than its author's."""
    limits: Limits = Limits()
    gate: Gate = Gate()
    retry_every: Duration = timedelta(minutes=15)
    """How often a straggler is tried again, until the site's last window ends."""
    estimate: Estimate
    about: dict[HostName, Line] = {}
    """What a person should know of a host before it is changed, such as its disks."""
    sites: dict[SiteCode, SitePlan] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_host_once(self) -> Plan:
        seen: dict[str, str] = {}
        for code, site in self.sites.items():
            for wave in site.waves:
                for host in wave.hosts:
                    if host in seen:
                        raise ValueError(
                            f"host {host} is in {seen[host]} and in {code}/{wave.name}"
                        )
                    seen[host] = f"{code}/{wave.name}"
        return self

    @property
    def hosts(self) -> list[str]:
        return [host for site in self.sites.values() for host in site.hosts]

    @property
    def ends_at(self) -> datetime | None:
        """The end of the last window of any site."""
        return max((w.end for s in self.sites.values() for w in s.windows), default=None)
