"""Who approved a plan, as it stands; and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ictops.errors import PlanError
from ictops.operations.planning import person
from ictops.plans.file import plan_digest, read_plan
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.journal import Journal

ENTERED = "entered by"
"""Begins the note of an approval that somebody else has typed."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What was written into the journal."""

    plan: str
    """The file."""
    digest: str
    """Of what it says: an edit ends the approval."""
    by: str
    at: datetime
    note: str


def approve(settings: Settings, path: Path, *, by: str | None, note: str = "") -> Approval:
    """Record in the journal that the plan as it stands in the file is approved.

    :raises PlanError: where the file is no plan, or this person may not approve it.
    :raises JournalError: where the journal cannot be written.
    """
    plan = read_plan(path)
    digest = plan_digest(plan)
    name = by or person()
    if plan.two_people and (name != person() or name == plan.made_by):
        raise PlanError(
            f"another person than {plan.made_by}, who made it, must approve this plan",
            where=str(path),
            do=f"They say 'ictops plan approve {path}' as themselves",
        )
    if name != person():
        note = "; ".join(part for part in (f"{ENTERED} {person()}", note) if part)
    approval = Approval(str(path), digest, name, datetime.now(UTC), note)
    journal = Journal.open(settings.journal_url)
    try:
        journal.approve(digest, by=name, at=approval.at, note=note)
    finally:
        journal.close()
    return approval


def approvers(settings: Settings, plan: Plan) -> list[tuple[str, datetime]]:
    """Give who approved this plan, just as it is now, and when."""
    journal = Journal.open(settings.journal_url)
    try:
        return [(one.by, one.at) for one in journal.approvals(plan_digest(plan))]
    finally:
        journal.close()


def check_approval(journal: Journal, plan: Plan, path: Path) -> None:
    """Refuse a plan that must be approved and is not, or by nobody but its author.

    :raises PlanError: saying what is missing.
    """
    approvals = journal.approvals(plan_digest(plan))
    if plan.needs_approval and not approvals:
        raise PlanError(
            "the plan is not approved", where=str(path), do=f"'ictops plan approve {path}'"
        )
    own = (one.by == plan.made_by or one.note.startswith(ENTERED) for one in approvals)
    if plan.two_people and all(own):
        raise PlanError(
            f"nobody but {plan.made_by}, who made it, has approved the plan",
            where=str(path),
            do=f"Another person says 'ictops plan approve {path}'",
        )
