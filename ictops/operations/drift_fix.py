"""From drift to a plan: the roles run on exactly the hosts that drift, in waves and windows."""

from __future__ import annotations

from dataclasses import replace

from ictops.errors import PlanError
from ictops.operations.drift import SWITCH
from ictops.operations.drift_check import BACKUP, HOST, IMAGE, compared_with
from ictops.operations.drift_show import standing
from ictops.operations.planning import Draft, Request, Work, make_plan
from ictops.operations.switches import is_switch
from ictops.settings import Settings
from ictops.store.journal import Journal

FIX = "drift-fix"
"""What a run that puts drift right is called in the journal."""
MOST_NAMED = 20


def plan_fix(journal: Journal, settings: Settings, request: Request) -> Draft:
    """Plan to make the hosts that drift what roles and inventory say.

    What is let be on such a host is put right too: roles know nothing of it. Switches, images
    and backups are for other commands; the notes say which.

    :raises PlanError: if no host drifts that roles could put right.
    """
    now = standing(journal, settings, sites=request.sites)
    by_kind: dict[str, set[str]] = {}
    for group in now.groups:
        by_kind.setdefault(group.kind, set()).update(group.hosts)
    drifting = by_kind.get(HOST, set())
    notes = []
    if switches := sorted(by_kind.get(SWITCH, ())):
        notes.append(f"switches drift too: ictops plan switches --limit {_limit(switches)}")
    if images := sorted(by_kind.get(IMAGE, ())):
        notes.append(f"hosts have old images: ictops plan image NAME --limit {_limit(images)}")
    if backups := sorted(by_kind.get(BACKUP, ())):
        notes.append(f"backups are too old: ictops backup run --limit {_limit(backups)}")
    let_be = sorted({host for one in now.accepted for host in one.group.hosts} & drifting)
    if let_be:
        notes.append(f"what is accepted is put right too on {', '.join(let_be[:MOST_NAMED])}")
    if not drifting:
        raise PlanError(
            "no host drifts, as far as the newest checks know",
            where=settings.cluster,
            do="; ".join(notes) or "'ictops drift check' looks again",
        )
    work = Work(
        operation=FIX,
        title="putting drift right",
        playbook=compared_with(settings),
        takes=lambda host: host.name in drifting and not is_switch(host),
        only_for="hosts that drift",
    )
    draft = make_plan(settings, request, work)
    others = tuple(note for note in draft.notes if not note.startswith("site "))
    return replace(draft, notes=(*notes, *others))


def _limit(hosts: list[str]) -> str:
    return ",".join(hosts[:MOST_NAMED]) + ("…" if len(hosts) > MOST_NAMED else "")
