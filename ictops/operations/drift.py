"""Drift: what checks found goes into the store, and the same difference is told once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import get_args

from ictops.operations.compare import Compared, begin_compare, results_of
from ictops.running.messages import CUT
from ictops.settings import Settings
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import (
    Checked,
    CheckRecord,
    Differing,
    DriftRecord,
    DriftState,
    Scheduled,
)

OPERATION = "switch-drift"
"""What a run that looks for drift of switches is called in the journal."""
SWITCH = "switch"
"""The kind of check that compares a switch's configurations."""
INTENDED = "running vs intended"
STORED = "running vs startup"
OWN_NAME = "<host>"
"""Stands for a host's own name, which must not keep the same difference of two hosts apart."""


@dataclass(frozen=True, slots=True)
class Group:
    """The same difference on one host or many.

    :ivar text: lines of it; :data:`OWN_NAME` stands for each host's own name.
    :ivar since: when a check first found it on the host that has it longest.
    :ivar last_since: the same of the host that has it shortest.
    """

    kind: str
    item: str
    hosts: tuple[str, ...]
    since: datetime
    last_since: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Drift:
    """What a run of checks found.

    :ivar counts: how many hosts are clean, drift, unreachable or an error.
    :ivar groups: the differences, those of most hosts first.
    :ivar hosts: what the newest check says of each host that was checked.
    :ivar not_checked: hosts that were not begun.
    """

    counts: dict[str, int]
    groups: list[Group]
    hosts: list[CheckRecord]
    not_checked: list[str]


def begin_switch_drift(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that looks for drift of these switches, and give its id.

    :param scheduled: the claim of a schedule that the run is for.
    :raises PlanError: if there is no such switch.
    """
    title = "drift of switches"
    return begin_compare(
        journal, settings,
        sites=sites, limit=limit, title=title, operation=OPERATION, scheduled=scheduled,
    )  # fmt: skip


def finish_switch_drift(journal: Journal, run_id: str) -> Drift:
    """Write down what a run found, and tell of it.

    :raises RunError: if there is no such run.
    """
    cluster = journal.run(run_id).cluster
    compared = results_of(journal, run_id)
    checked = [as_checked(one) for one in compared.values()]
    drifts = Drifts(journal)
    drifts.record(cluster, SWITCH, run_id, checked)
    hosts = [one for one in drifts.newest(cluster, SWITCH) if one.host in compared]
    found = [one for one in drifts.found(cluster, SWITCH) if one.host in compared]
    counts = dict.fromkeys(get_args(DriftState), 0) | Counter(one.state for one in hosts)
    not_checked = [one.host for one in journal.hosts(run_id) if one.host not in compared]
    return Drift(counts, groups_of(found), hosts, not_checked)


def as_checked(compared: Compared) -> Checked:
    """Give a comparison as the store takes it."""
    differing = []
    if compared.difference or compared.commands:
        lines = compared.difference or compared.commands
        differing.append(differing_of(compared.host, INTENDED, lines))
    if compared.unsaved:
        differing.append(differing_of(compared.host, STORED, compared.unsaved_difference))
    return Checked(
        host=compared.host,
        site=compared.site,
        state=compared.state,
        at=compared.at,
        message=compared.message,
        differing=tuple(differing),
    )


def differing_of(host: str, item: str, lines: Sequence[str]) -> Differing:
    """Give a difference of a host so that the same one of another host has the same digest.

    One that was too long to be kept whole is like no other host's: nobody knows the rest.
    """
    text = without_name(host, "\n".join(lines))
    whole = f"{host}\n{text}" if lines and lines[-1].endswith(CUT) else text
    return Differing(item, sha256(whole.encode()).hexdigest(), text)


def without_name(host: str, text: str) -> str:
    """Give a text with :data:`OWN_NAME` in the place of a host's name."""
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", OWN_NAME, text)


def groups_of(found: Iterable[DriftRecord]) -> list[Group]:
    """Put the same difference of many hosts together, that of most hosts first."""
    same: dict[tuple[str, str, str], list[DriftRecord]] = {}
    for one in found:
        same.setdefault((one.kind, one.item, one.digest), []).append(one)
    groups = [
        Group(
            kind=kind,
            item=item,
            hosts=tuple(sorted(one.host for one in all_of)),
            since=min(one.since for one in all_of),
            last_since=max(one.since for one in all_of),
            text=all_of[0].text,
        )
        for (kind, item, _), all_of in same.items()
    ]
    return sorted(groups, key=lambda group: (-len(group.hosts), group.hosts, group.item))
