"""``ictops switch restore``: a plan that makes a switch what a backup of it says."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working
from ictops.cli.plan_options import (
    WHAT,
    DeadMan,
    MayLoseNeighbours,
    MayTouchPath,
    PlanOptions,
    with_plan_options,
)

OF_ONE_HOST = frozenset(
    {"sites", "limit", "canary", "shares", "soak", "site_failures", "run_failures", "health",
     "approval", "site_limit", "room_limit", "total_limit"}
)  # fmt: skip
"""Options that are about many hosts."""


@with_plan_options(without=OF_ONE_HOST)
def restore(
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="The switch.", autocompletion=complete_host)
    ],
    *,
    asked: PlanOptions,
    commit: Annotated[
        str,
        typer.Option("--at", help="A commit of 'ictops switch log HOST'.", rich_help_panel=WHAT),
    ],
    may_touch_path: MayTouchPath = False,
    may_lose_neighbours: MayLoseNeighbours = False,
    dead_man: DeadMan = "5m",
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan to make a switch what it was at a backup; 'ictops apply' then does it.

    It is changed like any other: in its windows, under its dead-man switch, and taken back if
    it does not answer afterwards. Where a secret was changed since, the backup must be one that
    is kept whole (switch_backup_whole). Exit codes: 3 none can be made; 6 it is made, but does
    not fit its windows.

    Example: ictops switch restore oak-sw-01 --at 3f2a91c0 --until 2026-10-30 -o back.yml
    """
    from ictops.cli.planning import build_request, length, show  # noqa: PLC0415 - heavy
    from ictops.operations.switch_config import Allowed, plan_restore  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    minutes = length(dead_man, "--dead-man")
    with working("laying the plan out"):
        draft = plan_restore(
            settings, request, Allowed(minutes, may_touch_path, may_lose_neighbours), host, commit
        )
    show(draft, output=asked.output, as_json=as_json)
