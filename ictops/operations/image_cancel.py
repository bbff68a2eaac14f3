"""Jobs that a run left armed at boot servers, taken back once it is over.

A PC whose job is armed is wiped as soon as somebody switches it on. While its run goes on that is
meant: a PC that was off is left for later with its job. Once the run is over, nobody wants it. A
run of its own takes them back, so that it is journalled, and carried on by ``ictops tick`` where
this process is lost. Whatever becomes of it, a job ends with its window.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress

from ictops.errors import InventoryError, PlanError, RunCarried, RunError
from ictops.operations.at_once import begin_reading
from ictops.operations.carry import carry
from ictops.operations.hardware import KEY
from ictops.operations.image import CAPTURE, ERASE, HEAL, IMAGE
from ictops.operations.planning import Work
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import ENDED, GOOD

OPERATION = "image-cancel"
PLAYBOOK = "image_cancel.yml"
RUN_VARIABLE = "workstation_image_run"
REASON = "it changes nothing on a host"
NEWEST = 100
"""Runs among which one is looked for that has done it."""


def begin_take_back(journal: Journal, settings: Settings, run_id: str) -> str | None:
    """Write a run down that takes the jobs of a run back, unless it was begun before.

    :returns: its id; None if there is nothing to take back.
    :raises PlanError: if none of the hosts is left in the inventory.
    """
    run = journal.run(run_id)
    if run.operation not in {IMAGE, ERASE, HEAL, CAPTURE} or run.state not in ENDED:
        return None
    title = f"jobs of run {run_id} taken back"
    for before in journal.runs(limit=NEWEST):
        if (before.operation, before.title) == (OPERATION, title):
            return before.id
    ended = _ended(journal, run_id)
    left = [
        host
        for host in journal.hosts(run_id)
        if host.started_at and host.outcome not in GOOD and host.host not in ended
    ]
    if not left:
        return None
    names = {host.host for host in left}
    work = Work(
        operation=OPERATION,
        title=title,
        playbook=PLAYBOOK,
        extra_vars={RUN_VARIABLE: run_id},
        takes=lambda host: host.name in names,
        only_for="hosts of that run",
    )
    sites = tuple(sorted({host.site for host in left}))
    return begin_reading(journal, settings.of_cluster(run.cluster), work, sites, None, REASON)


def take_back(journal: Journal, settings: Settings, run_id: str) -> str:
    """Take the jobs of a run back that is over; give what a person should know, or nothing.

    :raises RunError: if it cannot be begun, such as without an inventory.
    """
    try:
        taking = begin_take_back(journal, settings, run_id)
    except (InventoryError, PlanError) as error:
        raise RunError(
            f"the run is over, but jobs that it left armed were not taken back: {error.what}",
            where=run_id,
            do="They end with their window; until then a PC that is switched on boots into its own",
        ) from error
    if taking is None:
        return ""
    if journal.run(taking).state not in ENDED:
        with suppress(RunCarried):  # by who carried the run that is over
            carry(journal, taking, settings)
    while (run := journal.run(taking)).state not in ENDED and journal.is_carried(run):
        time.sleep(0.2)
    bad = [host.host for host in journal.hosts(taking) if host.outcome not in GOOD]
    if bad:
        return (
            f"run {taking} could not take back the jobs of {', '.join(sorted(bad))}: switched on "
            "before their window ends, they boot into them"
        )
    return f"run {taking} took its jobs back"


def _ended(journal: Journal, run_id: str) -> set[str]:
    """Give the hosts whose PC has told the end of its job, such as what failed."""
    told = [event for event in journal.events(run_id) if event.host and KEY in event.data]
    return {
        str(event.host)
        for event in told
        if (json.loads(event.data)["data"].get("res") or {}).get("stage") == "ended"
    }
