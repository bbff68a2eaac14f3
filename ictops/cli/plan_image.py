"""``ictops plan image`` and ``ictops plan erase``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import working
from ictops.cli.plan_options import WHAT, PlanOptions, with_plan_options
from ictops.errors import PlanError

_SIZE = re.compile(r"([1-9][0-9]{0,5})([KMGT])B?", re.IGNORECASE)
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

AndServers = Annotated[
    bool,
    typer.Option(
        "--and-servers",
        help="Also servers, each named one by one; never by a group or a pattern.",
        rich_help_panel=WHAT,
    ),
]


def register(plan_app: typer.Typer) -> None:
    """Add the commands of this module."""
    plan_app.command()(image)
    plan_app.command()(erase)


@with_plan_options()
def image(
    name: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="NAME for its newest version, or NAME=VERSION."),
    ],
    *,
    asked: PlanOptions,
    multicast: Annotated[
        bool,
        typer.Option(
            "--multicast", help="Send it once to all PCs of a room that go together.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    cache: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Keep it at the PC too, in a partition of this size: 20G.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    then: Annotated[
        Path,
        typer.Option(
            help="The playbook that comes after it, of yours or of ictops.", rich_help_panel=WHAT
        ),
    ] = Path("site.yml"),
    and_servers: AndServers = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Plan that workstations are wiped, and an image is written to them over the network.

    The plan names the image's very version, and the disks of each host when it was last seen. A
    host is ok only when it is up again and its roles are applied. Exit codes: 3 none can be made;
    6 it is made, but does not fit its windows.

    Example: ictops plan image pc-debian --rooms it1 --in "october half-term" -o plan.yml
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.image import Imaging, plan_image  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, asked)
    how = Imaging(multicast, size(cache, "--cache") if cache else 0, then, and_servers)
    with working("laying the plan out"):
        draft = plan_image(settings, name, request, how)
    show(draft, output=asked.output, as_json=as_json)


@with_plan_options(
    without={"sites", "rooms", "limit", "canary", "shares", "needs_approval", "health"}
)
def erase(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar="HOST", help="Each host by its name.", autocompletion=complete_host),
    ],
    *,
    asked: PlanOptions,
    asset: Annotated[
        list[str] | None,
        typer.Option(
            help="The name once more, for scripts: else it is asked for; repeat it.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    and_servers: AndServers = False,
    cluster: ClusterName = None,
    as_json: AsJson = False,
) -> None:
    """Plan that all disks of hosts are erased for good, for their disposal.

    Each host's name is typed a second time, and another person must approve the plan. It names
    the disks by their serial numbers. Exit codes: 3 none can be made; 6 it is made, but does not
    fit its windows.

    Example: ictops plan erase oak-it1-07 --until 2026-10-30 -o erase.yml
    """
    from ictops.cli.planning import build_request, show  # noqa: PLC0415 - heavy
    from ictops.operations.image import plan_erase  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    request = build_request(settings, replace(asked, canary="none", shares=""))
    typed = asset if asset is not None else _type_again(hosts)
    with working("laying the plan out"):
        draft = plan_erase(settings, hosts, typed, request, and_servers=and_servers)
    show(draft, output=asked.output, as_json=as_json)


def size(text: str, option: str) -> int:
    """Read a size such as ``20G``, in the powers of ten that disks are sold by; give bytes.

    :raises PlanError: naming the option that is wrong.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise PlanError(f"{text!r} is no size", where=option, do="Write 500M or 20G")
    return int(found[1]) * _UNITS[found[2].upper()]


def _type_again(hosts: list[str]) -> list[str]:
    """Ask for the name of each host; whoever breaks off has typed nothing more."""
    typed: list[str] = []
    for host in dict.fromkeys(hosts):
        try:
            typed.append(
                typer.prompt(f"All disks of {host} will be erased. Type its name", err=True)
            )
        except typer.Abort:
            break
    return typed
