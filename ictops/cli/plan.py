"""``ictops plan``: make plans, look at them and approve them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ictops.cli import plan_image, plan_leavers
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json as print_json
from ictops.cli.output import console, working
from ictops.cli.plan_options import (
    WHAT,
    DeadMan,
    MayLoseNeighbours,
    MayTouchPath,
    PlanOptions,
    with_plan_options,
)

plan_app = typer.Typer(
    help="Lay an operation out over sites, waves and windows.", no_args_is_help=True
)

PlanFile = Annotated[Path, typer.Argument(help="The plan's file.", show_default=False)]


@plan_app.command()
@with_plan_options()
def rollout(
    software: Annotated[
        list[str],
        typer.Argument(
            metavar="SOFTWARE",
            help="NAME=VERSION from apt, FILE.deb, or REMOTE:APP=COMMIT for a flatpak.",
        ),
    ],
    *,
    asked: PlanOptions,
    reboot: Annotated[
        bool,
        typer.Option("--reboot", help="Reboot a host where one is required.", rich_help_panel=WHAT),
    ] = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan the rollout of software at exact versions.

    Nothing but what is named is changed on a host. Without -o the plan is shown and not kept.
    Exit codes: 3 none can be made; 6 it is made, but does not fit its windows.

    Example: ictops plan rollout gimp=2.10.34-1 --in "october half-term" -o plan.yml
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.rollout import parse_software, plan_rollout  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    packages = parse_software(software)
    settings = load_settings(cluster)
    request = build_request(settings, asked)
    with working("laying the plan out"):
        draft = plan_rollout(settings, packages, request, reboot=reboot)
    show(draft, output=asked.output, as_json=as_json)


@plan_app.command()
@with_plan_options()
def playbook(
    file: Annotated[
        Path,
        typer.Argument(
            help="Any playbook, or the folder or full name of a role.", show_default=False
        ),
    ],
    *,
    asked: PlanOptions,
    extra_vars: Annotated[
        list[str] | None,
        typer.Option(
            "--extra-vars",
            "-e",
            help="name=value, @FILE, or JSON; repeat it.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    not_idempotent: Annotated[
        bool,
        typer.Option(
            "--not-idempotent",
            help="It must not be done again on a host whose outcome is unknown.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan a playbook that you already have, through the same waves, windows and gates.

    It needs nothing added; its plays say which hosts they are for, the plan limits them.
    Exit codes: 3 none can be made; 6 it is made, but does not fit its windows.

    Example: ictops plan playbook site.yml -e port=8080 --sites oakfield --until 2026-10-30
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.playbook import parse_extra_vars, plan_playbook  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    variables = parse_extra_vars(extra_vars or [])
    with working("laying the plan out"):
        draft = plan_playbook(
            settings, file, request, extra_vars=variables, idempotent=not not_idempotent
        )
    show(draft, output=asked.output, as_json=as_json)


@plan_app.command()
@with_plan_options(without={"shares"}, site_failures="0")
def switches(
    *,
    asked: PlanOptions,
    may_touch_path: MayTouchPath = False,
    may_lose_neighbours: MayLoseNeighbours = False,
    dead_man: DeadMan = "5m",
    rotate_secrets: Annotated[
        bool,
        typer.Option(
            "--rotate-secrets",
            help="Send passwords and keys too that a switch shows encrypted or not at all.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan to make switches what the inventory says of them, the furthest from the core first.

    'ictops switch diff' shows what would be sent. The order is from the neighbours in the last
    backups. One that fails stops its site. Exit codes: 3 none can be made; 6 it is made, but
    does not fit its windows.

    Example: ictops plan switches --sites oakfield --in "october half-term" -o switches.yml
    """
    from ictops.cli.planning import build_request, length, show  # noqa: PLC0415 - heavy
    from ictops.operations.switch_config import Allowed, plan_switches  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    minutes = length(dead_man, "--dead-man")
    with working("laying the plan out"):
        draft = plan_switches(
            settings, request, Allowed(minutes, may_touch_path, may_lose_neighbours),
            rotate_secrets=rotate_secrets,
        )  # fmt: skip
    show(draft, output=asked.output, as_json=as_json)


@plan_app.command("show")
def show_plan(file: PlanFile, *, cluster: ClusterName = None, as_json: AsJson = False) -> None:
    """Show a plan: its table, its timeline from now on, and what has changed since.

    Exit codes: 3 the file is no plan; 6 it does not fit its windows (any more).

    Example: ictops plan show plan.yml
    """
    from ictops.cli.planning import show  # noqa: PLC0415 - heavy
    from ictops.operations.approval import approvers  # noqa: PLC0415
    from ictops.operations.planning import look_at  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    with working("reading the plan and the inventory"):
        draft = look_at(settings, file)
        approved = approvers(settings, draft.plan)
    show(draft, output=file, as_json=as_json, write=False, approvers=approved)


@plan_app.command("approve")
def approve_plan(
    file: PlanFile,
    *,
    by: Annotated[str | None, typer.Option(help="Who approves it, where that is not you.")] = None,
    note: Annotated[str, typer.Option(help="Why, or under which condition.")] = "",
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Record in the journal who approved the plan as it stands; an edit ends the approval.

    Exit code 3: the file is no plan.

    Example: ictops plan approve plan.yml --note "agreed with the head"
    """
    from ictops.operations.approval import approve  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    with working("reading the plan"):
        approval = approve(load_settings(cluster), file, by=by, note=note)
    if as_json:
        print_json(approval)
        return
    console().print(
        f"{file} is approved by {approval.by}. Run it with: ictops apply {file}", soft_wrap=True
    )


def register(app: typer.Typer) -> None:
    plan_image.register(plan_app)
    plan_leavers.register(plan_app)
    app.add_typer(plan_app, name="plan")
