"""The options that all ``ictops plan`` commands have: what, where, when, waves, gates, limits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ictops.cli.completion import complete_holiday, complete_host, complete_sites

WHAT, WHEN, WAVES, GATES, LIMITS = "What and where", "When", "Waves", "Gates", "Limits"

MayTouchPath = Annotated[
    bool,
    typer.Option(
        "--may-touch-path",
        help="Let a change touch what ictops reaches the switch by: its management VLAN, "
        "uplinks, access lists, AAA and SSH.",
        rich_help_panel=WHAT,
    ),
]
MayLoseNeighbours = Annotated[
    bool,
    typer.Option(
        "--may-lose-neighbours",
        help="Let a neighbour be gone after a change, as when its port is shut.",
        rich_help_panel=WHAT,
    ),
]
DeadMan = Annotated[
    str,
    typer.Option(
        help="When a switch takes a change back that nobody confirmed.", rich_help_panel=WHAT
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a person asked for; each field is an option."""

    sites: Annotated[
        str,
        typer.Option(
            help="Site codes with commas between them, or all.",
            autocompletion=complete_sites,
            rich_help_panel=WHAT,
        ),
    ] = "all"
    rooms: Annotated[
        str | None,
        typer.Option(
            help="Only hosts of these rooms: names with commas between them.",
            rich_help_panel=WHAT,
        ),
    ] = None
    limit: Annotated[
        str | None, typer.Option(help="Only hosts of this Ansible pattern.", rich_help_panel=WHAT)
    ] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the plan to this file.", rich_help_panel=WHAT),
    ] = None
    holiday: Annotated[
        str | None,
        typer.Option(
            "--in",
            help='A holiday, such as "october half-term".',
            autocompletion=complete_holiday,
            rich_help_panel=WHEN,
        ),
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="Date or local time, such as 2026-10-26.", rich_help_panel=WHEN
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option("--until", help="Date (that whole day) or local time.", rich_help_panel=WHEN),
    ] = None
    estimate: Annotated[
        str | None,
        typer.Option(help="How long a batch takes, such as 5m.", rich_help_panel=WHEN),
    ] = None
    retry_every: Annotated[
        str | None,
        typer.Option(help="How often a straggler is tried again.", rich_help_panel=WHEN),
    ] = None
    canary: Annotated[
        str,
        typer.Option(
            help="group (hosts in group canaries), room (one a room), none, or host names.",
            autocompletion=complete_host,
            rich_help_panel=WAVES,
        ),
    ] = "group"
    shares: Annotated[
        str,
        typer.Option(help="Shares of a site that follow the canaries.", rich_help_panel=WAVES),
    ] = "25%"
    soak: Annotated[
        str, typer.Option(help="Wait after a wave before the next.", rich_help_panel=GATES)
    ] = "0s"
    site_failures: Annotated[
        str, typer.Option(help="Hosts that may fail at a site: 2 or 10%.", rich_help_panel=GATES)
    ] = "10%"
    run_failures: Annotated[
        str, typer.Option(help="Hosts that may fail in all: 5 or 10%.", rich_help_panel=GATES)
    ] = "10%"
    health: Annotated[
        Path | None,
        typer.Option(help="Playbook that checks a wave after its soak.", rich_help_panel=GATES),
    ] = None
    approval: Annotated[
        bool,
        typer.Option(
            "--approval", help="A person lets each next wave start.", rich_help_panel=GATES
        ),
    ] = False
    needs_approval: Annotated[
        bool,
        typer.Option(
            "--needs-approval",
            help="The plan must be approved before it is applied.",
            rich_help_panel=GATES,
        ),
    ] = False
    site_limit: Annotated[
        int | None, typer.Option(min=1, help="Hosts at once at a site.", rich_help_panel=LIMITS)
    ] = None
    room_limit: Annotated[
        int | None, typer.Option(min=1, help="Hosts at once in a room.", rich_help_panel=LIMITS)
    ] = None
    switch_limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Hosts at once at a switch (host_switch).", rich_help_panel=LIMITS
        ),
    ] = None
    total_limit: Annotated[
        int | None, typer.Option(min=1, help="Hosts at once in all.", rich_help_panel=LIMITS)
    ] = None


def with_plan_options(
    *, without: Collection[str] = (), **defaults: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of PlanOptions, collected in its parameter ``asked``.

    typer reads a command's signature; so the options stand in it one by one.

    :param without: fields that the operation has no use for.
    :param defaults: of fields that have another one for it.
    """
    hints = get_type_hints(PlanOptions, include_extras=True)
    options = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(one.name, one.default),
            annotation=hints[one.name],
        )
        for one in fields(PlanOptions)
        if one.name not in without
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [one for one in signature.parameters.values() if one.name != "asked"]
        # Keyword-only ones may come in any order, behind the arguments.
        arguments = [one for one in own if one.kind is not inspect.Parameter.KEYWORD_ONLY]
        parameters = [*arguments, *options, *own[len(arguments) :]]

        @wraps(command)
        def collected(**given: Any) -> None:
            asked = PlanOptions(**{one.name: given.pop(one.name) for one in options})
            command(asked=asked, **given)

        collected.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        collected.__annotations__ = {one.name: one.annotation for one in parameters}
        return collected

    return decorate
