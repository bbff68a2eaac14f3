"""What a person can ask of a run that somebody, or nobody, carries."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

from ictops.errors import RunCarried, RunError
from ictops.operations.carry import end_here
from ictops.operations.planning import person
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import ENDED

PATIENCE = 10.0
"""Seconds that the process which carries a run has for ending it."""


def pause_run(journal: Journal, run_id: str, settings: Settings) -> str:
    """Ask that no further host is started; give what happens now, in words.

    :raises RunError: if the run has ended.
    """
    if journal.run(run_id).state == "paused":
        return f"run {run_id} is paused already"
    run = journal.wish(run_id, "pause", by=person(), at=datetime.now(UTC))
    if not journal.is_carried(run):
        try:
            end_here(journal, run_id, settings, "paused")
        except RunCarried:  # since a moment; whoever does it hears the wish
            pass
        else:
            return f"run {run_id} is paused"
    return f"run {run_id} pauses when the hosts are done that are being worked on"


def cancel_run(journal: Journal, run_id: str, settings: Settings) -> str:
    """End a run and every process of it; give what happened, in words.

    :raises RunError: if it has ended, or the process that carries it does not end it in time.
    """
    run = journal.wish(run_id, "cancel", by=person(), at=datetime.now(UTC))
    deadline = time.monotonic() + PATIENCE
    while run.state not in ENDED:
        if not journal.is_carried(run):
            with suppress(RunCarried):  # since a moment; whoever does it hears the wish
                end_here(journal, run_id, settings, "cancelled")
        elif time.monotonic() > deadline:
            raise RunError(
                "the process that carries the run has not ended it yet",
                where=run_id,
                do=f"It was asked to. 'ictops run show {run_id}' tells when it has",
            )
        time.sleep(0.1)
        run = journal.run(run_id)
    return f"run {run_id} is {run.state}"  # it may have finished meanwhile


def let_go_on(journal: Journal, run_id: str) -> None:
    """Take back a pause, so that the run may be carried on.

    :raises RunCarried: if a living process carries it.
    :raises RunError: if it has ended.
    """
    run = journal.run(run_id)
    if run.state not in ENDED and journal.is_carried(run):
        raise RunCarried("a living process carries this run already", where=run_id)
    journal.go_on(run_id, by=person(), at=datetime.now(UTC))


def approve_wave(journal: Journal, run_id: str, site: str) -> None:
    """Let the next wave of a site start, as its plan asks a person to.

    :raises RunError: if the run has no such gate, or it is open already.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    if run.state in ENDED:
        raise RunError(f"the run is {run.state} already", where=run_id)
    if site not in plan.sites:
        sites = ", ".join(plan.sites)
        raise RunError(f"the run has no site {site}", where=run_id, do=f"It has {sites}")
    if not plan.gate.approval:
        raise RunError("no wave of this run waits for a person", where=run_id)
    journal.open_gate(run_id, site, by=person(), at=datetime.now(UTC))
