"""Plans that change switches: to what the inventory says of them, or to what a backup holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.network.backup import RUNNING
from ictops.network.methods import MOST_MINUTES
from ictops.operations.planning import Draft, Request, Work, make_plan
from ictops.operations.switch_order import Order
from ictops.operations.switches import archive_of, find_switch, is_switch
from ictops.planning.waves import lay_by_distance
from ictops.plans.model import Wave
from ictops.settings import Settings
from ictops.store.records import RunRecord

CONFIG, RESTORE = "switch-config", "switch-restore"
CHANGES = frozenset({CONFIG, RESTORE})
"""The operations that change switches; each leaves backups from before and after."""
CONFIG_PLAYBOOK, RESTORE_PLAYBOOK = "switch_config.yml", "switch_restore.yml"
LONGEST = timedelta(minutes=MOST_MINUTES)
"""The longest time that every platform's dead-man switch takes."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a change of switches may do, and how long it waits.

    :ivar dead_man: after which a switch takes back a change that nobody confirmed.
    :ivar may_touch_path: whether it may touch the path by which ictops reaches a switch.
    :ivar may_lose_neighbours: whether a neighbour that was heard before may be gone after.
    """

    dead_man: timedelta = timedelta(minutes=5)
    may_touch_path: bool = False
    may_lose_neighbours: bool = False


def plan_switches(
    settings: Settings, request: Request, allowed: Allowed, *, rotate_secrets: bool = False
) -> Draft:
    """Plan to make switches what the inventory says of them, the furthest from the core first.

    :param rotate_secrets: whether secrets are sent that a switch shows encrypted or not at all.
    :raises PlanError: where there is no switch to change.
    """
    order = Order(settings)

    def lay(hosts: Sequence[Host], asked: Request) -> list[Wave]:
        return lay_by_distance(hosts, asked.canary, order.hops(hosts[0].site))

    work = Work(
        operation=CONFIG,
        title="configuration of switches",
        playbook=CONFIG_PLAYBOOK,
        extra_vars=_extra_vars(
            settings, "switch_config", allowed, rotate_secrets=rotate_secrets
        ),
        takes=is_switch,
        only_for="switches",
        lay=lay,
    )  # fmt: skip
    draft = make_plan(settings, request, work)
    return Draft(draft.plan, draft.forecast, (*draft.notes, *order.notes))


def plan_restore(
    settings: Settings, request: Request, allowed: Allowed, host: str, commit: str
) -> Draft:
    """Plan to make one switch what it was at a backup's commit.

    :raises InventoryError: if there is no such switch.
    :raises SwitchError: if there is no such commit, or it has nothing of that switch.
    """
    switch = find_switch(settings, host)
    request = replace(request, sites=(switch.site,), limit=switch.name, shares=())
    archive = archive_of(settings)
    resolved = archive.resolve(commit)
    archive.show(switch.site, switch.name, RUNNING, resolved)
    work = Work(
        operation=RESTORE,
        title=f"{switch.name} as it was at {resolved[:10]}",
        playbook=RESTORE_PLAYBOOK,
        extra_vars={
            **_extra_vars(settings, "switch_restore", allowed),
            "switch_restore_at": resolved,
        },
        takes=is_switch,
        only_for="switches",
    )
    return make_plan(settings, request, work)


def finish_change(settings: Settings, run: RunRecord) -> None:
    """Commit the backups from before and after a change, once for all sites of a run.

    :raises SwitchError: if they cannot be committed.
    """
    archive_of(settings).commit(f"{run.title}, run {run.id}", by=run.created_by)


def _extra_vars(settings: Settings, role: str, allowed: Allowed, **wanted: bool) -> dict[str, Any]:
    """Give a role's variables; of those that are on or off, only what is on."""
    dead_man = allowed.dead_man
    wanted = {
        "may_touch_path": allowed.may_touch_path,
        "may_lose_neighbours": allowed.may_lose_neighbours,
        **wanted,
    }
    minutes = dead_man / timedelta(minutes=1)
    if not minutes.is_integer() or not timedelta(0) < dead_man <= LONGEST:
        raise PlanError(
            f"a dead-man switch takes 1 to {MOST_MINUTES} whole minutes", where="--dead-man"
        )
    return {
        f"{role}_folder": str(archive_of(settings).folder),
        f"{role}_minutes": int(minutes),
        f"{role}_commit": False,  # the run does it once, see finish_change
        **{f"{role}_{name}": True for name, on in wanted.items() if on},
    }
