"""Comparing switches: what runs with what is intended, and with what they have stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ictops.operations.planning import Work
from ictops.operations.switches import archive_of, begin_reading, is_switch
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import GOOD, DriftState, HostRecord, Scheduled

PLAYBOOK = "switch_compare.yml"
READS_ONLY = "a comparison changes nothing on a switch"
TOLD_NOTHING = "the role switch_config told nothing of it"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison says of one switch; of one that could not be looked at only why.

    :ivar at: when it was known.
    :ivar message: why it is unreachable, or an error; else empty.
    :ivar difference: lines of running and intended with + and - before them; secrets masked.
    :ivar commands: what would make the one into the other; secrets masked.
    :ivar unsaved: whether a reboot would undo what runs.
    :ivar unsaved_difference: lines of stored and running; secrets masked.
    """

    host: str
    site: str
    state: DriftState
    at: datetime
    message: str = ""
    difference: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    unsaved: bool = False
    unsaved_difference: tuple[str, ...] = ()


class _Result(BaseModel):
    """What the role says of a switch; what else Ansible adds does not matter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    difference: tuple[str, ...]
    commands: tuple[str, ...] = ()
    unsaved: bool = False
    unsaved_difference: tuple[str, ...] = ()


def begin_compare(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    title: str,
    operation: str,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that compares these switches, and give its id.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :param title: what people see of the run.
    :param operation: what the run is called in the journal.
    :param scheduled: the claim of a schedule that the run is for.
    :raises PlanError: if there is no such switch.
    """
    work = Work(
        operation=operation,
        title=title,
        playbook=PLAYBOOK,
        extra_vars={"switch_config_folder": str(archive_of(settings).folder)},
        takes=is_switch,
        only_for="switches",
    )
    return begin_reading(journal, settings, work, sites, limit, READS_ONLY, scheduled=scheduled)


def results_of(journal: Journal, run_id: str) -> dict[str, Compared]:
    """Give what a comparison says of each switch; those that were not begun are left out.

    :raises RunError: if there is no such run.
    """
    begun_at = journal.run(run_id).created_at
    said = _said(journal, run_id)
    return {
        host.host: _compared(host, host.ended_at or begun_at, said.get(host.host))
        for host in journal.hosts(run_id)
        if host.outcome is not None and host.outcome != "deferred"
    }


def _said(journal: Journal, run_id: str) -> dict[str, Mapping[str, Any]]:
    """Give the last result of the role for each switch that has one."""
    found: dict[str, Mapping[str, Any]] = {}
    for event in journal.events(run_id):
        if event.host and event.kind == "runner_on_ok":
            result = json.loads(event.data)["data"].get("res")
            if isinstance(result, dict) and "difference" in result:
                found[event.host] = result
    return found


def _compared(host: HostRecord, at: datetime, said: Mapping[str, Any] | None) -> Compared:
    if host.outcome == "unreachable":
        return Compared(host.host, host.site, "unreachable", at, host.reason)
    if host.outcome not in GOOD:
        return Compared(host.host, host.site, "error", at, host.reason)
    try:
        result = _Result.model_validate(said or {})
    except ValidationError as error:
        # Never clean for want of words.
        where = ", ".join(str(one["loc"][0]) for one in error.errors()) if said else ""
        message = f"what the role says of it cannot be read: {where}" if said else TOLD_NOTHING
        return Compared(host.host, host.site, "error", at, message)
    differs = result.difference or result.commands or result.unsaved
    state: DriftState = "drift" if differs else "clean"
    return Compared(host.host, host.site, state, at, **dict(result))
