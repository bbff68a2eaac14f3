"""``ictops plan archive`` and ``ictops plan delete``: the data of people who left."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ictops.cli.completion import complete_archive, complete_host
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working
from ictops.cli.plan_options import WHAT, PlanOptions, with_plan_options

OF_ONE_HOST = frozenset(
    {"sites", "rooms", "limit", "canary", "shares", "soak", "site_failures", "run_failures",
     "health", "approval", "needs_approval", "site_limit", "room_limit", "switch_limit",
     "total_limit"}
)  # fmt: skip
"""Options that are about many hosts."""


def register(plan_app: typer.Typer) -> None:
    """Add the commands of this module."""
    plan_app.command()(archive)
    plan_app.command()(delete)


@with_plan_options(without=OF_ONE_HOST)
def archive(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What it is called from then on: leavers-2026.")
    ],
    host: Annotated[
        str,
        typer.Argument(metavar="HOST", help="Where the data are.", autocompletion=complete_host),
    ],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Whole paths, such as /home/ann.")
    ],
    *,
    asked: PlanOptions,
    keep_until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The last day on which it is kept; else as backup_keep_leavers says.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove", help="Delete it from the host once its archive is proved.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Plan that data of people who left are put away, and kept as long as the school must.

    All of it is restored and compared before anything is removed from the host. Another person
    must approve the plan; what was done is in the audit trail. Exit codes: 3 none can be made; 6
    it is made, but does not fit its windows.

    Example: ictops plan archive leavers-2026 oak-srv-01 /home/ann --remove --until 2026-08-31
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.backup_leavers import Archiving, plan_archive  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    until = keep_until.date() if keep_until else None
    with working("laying the plan out"):
        draft = plan_archive(
            settings, Archiving(name, host, tuple(paths), until, remove), request
        )  # fmt: skip
    show(draft, output=asked.output, as_json=as_json)


@with_plan_options(without=OF_ONE_HOST)
def delete(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The archive.", autocompletion=complete_archive),
    ],
    *,
    asked: PlanOptions,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan that an archive is deleted for good, after the day until which it is kept.

    It is deleted from the school's repository and from its second copy. Another person must
    approve the plan; what was done is in the audit trail. Exit codes: 3 there is no such archive,
    or it is still to be kept; 6 the plan does not fit its windows.

    Example: ictops plan delete leavers-2026 --in "october half-term" -o delete.yml
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.backup_leavers import plan_delete  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    with working("laying the plan out"):
        draft = plan_delete(settings, name, request)
    show(draft, output=asked.output, as_json=as_json)
