"""Since when a host drifts, and who may have changed it: by the journal, and by the host's log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ictops.operations.at_once import begin_reading
from ictops.operations.backup import BACKUP
from ictops.operations.backup_care import CHECK as BACKUP_CHECK
from ictops.operations.backup_care import COPY, PRUNE
from ictops.operations.backup_drill import DRILL
from ictops.operations.backup_find import FIND, LIST
from ictops.operations.drift_check import CHECK, HOST
from ictops.operations.planning import Work
from ictops.settings import Settings
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import CheckRecord, DriftRecord

ASK = "drift-evidence"
"""What a run is called that asks hosts who changed them."""
PLAYBOOK = "drift_evidence.yml"
PATHS_VARIABLE = "drift_evidence_paths"
READS_ONLY = "asking who changed a host changes nothing"
ONLY_LOOK = frozenset(
    {
        CHECK, ASK, "switch-drift", "switch-backup", "switch-survey", BACKUP, DRILL.operation,
        BACKUP_CHECK.operation, PRUNE.operation, COPY.operation, LIST.operation, FIND.operation,
    }
)  # fmt: skip
"""Operations that change nothing on a host."""
_PATH = re.compile(r"(?:^| : )(/[^\0]*)$")


@dataclass(frozen=True, slots=True)
class Touch:
    """A run that was at work on a host while it began to drift."""

    run: str
    title: str
    by: str
    outcome: str | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Past:
    """A difference of a host, when it came, and who may have brought it.

    :ivar not_before: when a check still found it not there; None if none did.
    :ivar touched: runs of ictops that were at work on the host between then and :attr:`since`.
    """

    kind: str
    item: str
    text: str
    not_before: datetime | None
    since: datetime
    ended_at: datetime | None
    touched: tuple[Touch, ...]


def history_of(journal: Journal, settings: Settings, host: str) -> list[Past]:
    """Give every difference that was found on a host, the newest first."""
    drifts = Drifts(journal)
    checks = drifts.checks(settings.cluster, host)
    past = []
    for one in drifts.history(settings.cluster, host):
        before = _last_without(one, checks)
        touched = tuple(
            Touch(run.id, run.title, run.created_by, its.outcome, its.started_at)
            for run, its in journal.touching(settings.cluster, host, before, one.since)
            if run.operation not in ONLY_LOOK
        )
        past.append(Past(one.kind, one.item, one.text, before, one.since, one.ended_at, touched))
    return past


def _last_without(drift: DriftRecord, checks: Iterable[CheckRecord]) -> datetime | None:
    """Give when the host was last looked at and found without a difference."""
    for check in checks:  # the newest first
        if check.kind != drift.kind or check.since > drift.since:
            continue
        if check.state == "clean":
            return min(check.checked_at, drift.since)
        if check.state == "drift" and check.since < drift.since:
            return check.since  # it was another one then
    return None


def begin_asking(journal: Journal, settings: Settings, host: str) -> str:
    """Write a run down that asks a host who changed what drifts there; give its id.

    :raises PlanError: if there is no such Linux host.
    """
    found = [one for one in Drifts(journal).found(settings.cluster, HOST) if one.host == host]
    paths = sorted({match[1] for one in found if (match := _PATH.search(one.item))})
    work = Work(
        operation=ASK,
        title=f"asking {host} who changed it",
        playbook=PLAYBOOK,
        extra_vars={PATHS_VARIABLE: paths},
        takes=lambda one: one.system == "linux",
        only_for="Linux hosts",
    )
    return begin_reading(journal, settings, work, (), host, READS_ONLY)


def answers_of(journal: Journal, run_id: str) -> list[dict[str, Any]]:
    """Give what a host said of each path: when and whose, and who did what about then."""
    for event in journal.events(run_id):
        if event.kind == "runner_on_ok" and '"evidence"' in event.data:
            said = json.loads(event.data)["data"]["res"].get("evidence")
            if isinstance(said, list):
                return [one for one in said if isinstance(one, dict)]
    return []
