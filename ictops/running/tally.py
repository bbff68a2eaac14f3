"""What became of each host of a shard, told from its events alone.

A host is done only when it reached the end of its own work: the marker play that follows
the playbook ran on it, or a task said that nothing more is to be done to it.
``playbook_on_stats`` says nothing of that: it also counts hosts that Ansible dropped in the
middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ictops.running.messages import Event
from ictops.store.records import OutcomeName

MARKER_TASK = "ictops: this host reached the end"
OUTCOME_KEY = "ictops_outcome"
"""A role says ``deferred`` or ``skipped`` by set_stats with this key, and ictops_reason. A task
that fails with it, and ``deferred``, leaves its host for later: see the module ``defer``. One
that fails with it, and ``ok``, has found that nothing more is to be done to its host: a failure
is all that keeps a host out of the plays that follow."""

STEERING = frozenset(
    {
        "ansible_stats",
        "changed",
        "data",
        "deferred",
        "ictops_reason",
        "skipped",
        "stderr",
        "stdout",
        OUTCOME_KEY,
    }
)
"""Words of results that outcomes are told by: what a vault holds must not hide them."""


@dataclass
class HostTally:
    """One host, as far as its events tell."""

    tasks: int = 0
    changed: bool = False
    failure: str = ""
    unreachable: str = ""
    said: OutcomeName | None = None
    reason: str = ""
    later: str = ""
    """Why it is left for later, where it goes through no further play."""
    busy_with: str = ""
    """The task that started and has not ended."""
    reached_end: bool = False


@dataclass
class Tally:
    """The hosts of one shard."""

    hosts: dict[str, HostTally] = field(default_factory=dict)

    def add(self, event: Event) -> str | None:
        """Count one event; give the host's name if the event ends that host's work."""
        if event.host is None:
            return None
        host = self.hosts.setdefault(event.host, HostTally())
        if event.kind == "runner_on_start":
            host.busy_with = event.task or ""
            return None
        if event.kind not in {
            "runner_on_ok",
            "runner_on_failed",
            "runner_on_unreachable",
            "runner_on_skipped",
        }:
            return None
        host.busy_with = ""
        if event.task == MARKER_TASK:
            host.reached_end = event.kind == "runner_on_ok"
            return event.host
        host.tasks += event.kind != "runner_on_skipped"
        result = event.data.get("res") or {}
        host.changed |= event.kind == "runner_on_ok" and bool(result.get("changed"))
        if result.get(OUTCOME_KEY) == "ok":
            host.reached_end = True
            return event.host
        if event.kind == "runner_on_failed" and not event.data.get("ignore_errors"):
            if result.get(OUTCOME_KEY) == "deferred":
                host.later = str(result.get("msg", ""))
            host.failure = _why(event.task, result)
        if event.kind == "runner_on_unreachable":
            host.unreachable = _why(event.task, result)
        _hear(host, result)
        return None

    def outcome(self, name: str) -> tuple[OutcomeName, str] | None:
        """Give a host's outcome and reason, or None if it cannot be told: it was cut off."""
        host = self.hosts.get(name)
        if host is None:
            return None
        if host.reached_end:
            if host.said:
                return host.said, host.reason
            if host.changed:
                return "changed", ""
            return ("ok", "") if host.tasks else ("skipped", "no play of the playbook is for it")
        if host.later:
            return "deferred", host.later
        if host.unreachable:
            return "unreachable", host.unreachable
        if host.failure:
            return "failed", host.failure
        return None


def tally(events: Iterable[Event]) -> Tally:
    """Give the tally of these events."""
    counted = Tally()
    for event in events:
        counted.add(event)
    return counted


def _hear(host: HostTally, result: dict[str, Any]) -> None:
    """Take in what a role says of its host through set_stats."""
    stats = result.get("ansible_stats")
    data = stats.get("data") if isinstance(stats, dict) else None
    if isinstance(data, dict) and data.get(OUTCOME_KEY) in {"deferred", "skipped"}:
        host.said = data[OUTCOME_KEY]
        host.reason = str(data.get("ictops_reason", ""))


def _why(task: str | None, result: dict[str, Any]) -> str:
    """Give the shortest text that tells a person why a task failed."""
    text = result.get("msg") or result.get("stderr") or result.get("stdout") or "no message"
    if not isinstance(text, str):
        text = str(text)
    return f"{task}: {text.strip()}"[:2000]
