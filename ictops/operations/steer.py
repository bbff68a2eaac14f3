"""What a person can ask of a run that somebody, or nobody, carries."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ictops.errors import RunError
from ictops.operations.carry import carry
from ictops.operations.planning import person
from ictops.settings import Settings
from ictops.store.journal import ENDED, Journal, is_free

PATIENCE = 10.0
"""Seconds that the process which carries a run has for ending it."""


def pause_run(journal: Journal, run_id: str) -> str:
    """Ask that no further host is started; give what happens now, in words."""
    run = journal.wish(run_id, "pause", by=person(), at=datetime.now(UTC))
    if is_free(run.holder, run.holder_seen_at, datetime.now(UTC)):
        lease = journal.acquire(run_id, at=datetime.now(UTC))
        lease.let_go("paused", "nobody carried it", at=datetime.now(UTC))
        return f"run {run_id} is paused"
    return f"run {run_id} pauses when the hosts are done that are being worked on"


def cancel_run(journal: Journal, run_id: str, settings: Settings) -> str:
    """End a run and every process of it; give what happened, in words.

    :raises RunError: if the process that carries it does not end it in time.
    """
    run = journal.wish(run_id, "cancel", by=person(), at=datetime.now(UTC))
    if is_free(run.holder, run.holder_seen_at, datetime.now(UTC)):
        carry(journal, run_id, settings)  # takes it over, ends what is left, and heeds the wish
        return f"run {run_id} is cancelled"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if journal.run(run_id).state in ENDED:
            return f"run {run_id} is cancelled"
        time.sleep(0.2)
    raise RunError(
        "the process that carries the run has not ended it yet",
        where=run_id,
        do=f"It was asked to. 'ictops run show {run_id}' tells when it has",
    )


def let_go_on(journal: Journal, run_id: str) -> None:
    """Take back a pause, so that the run may be carried on.

    :raises RunError: if the run has ended, or a living process carries it.
    """
    run = journal.run(run_id)
    if run.state not in ENDED and not is_free(run.holder, run.holder_seen_at, datetime.now(UTC)):
        raise RunError("a living process carries this run already", where=run_id)
    journal.wish(run_id, None, by=person(), at=datetime.now(UTC))
