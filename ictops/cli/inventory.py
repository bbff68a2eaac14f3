"""``ictops inventory``: is the description of the cluster right, and what it says of a host."""

from __future__ import annotations

from typing import Annotated

import typer

from ictops.cli.completion import complete_host
from ictops.cli.output import as_json, console
from ictops.errors import Exit

inventory_app = typer.Typer(help="Check the inventory, and look into it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="If not the default one.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(inventory_app, name="inventory")


@inventory_app.command()
def check(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """Find every fault of the inventory in one run, each with file and line.

    Names, MACs and addresses used twice, hosts without a site or kind, addresses outside
    the site's subnets, unknown calendars, broken YAML, variables that a role requires.
    Exit code 3 if there are any.

    Example: ictops inventory check
    """
    from ictops.operations.inventory import check as find_faults  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    faults = find_faults(settings)
    if json:
        as_json(faults)
    else:
        out = console()
        for fault in faults:
            out.print(f"{settings.cluster_dir.name}/{fault}", soft_wrap=True)
        out.print(f"{len(faults)} faults" if faults else "no faults")
    raise typer.Exit(Exit.FAULTS if faults else Exit.OK)


@inventory_app.command()
def show(
    host: Annotated[str, typer.Argument(help="The host.", autocompletion=complete_host)],
    *,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show what the inventory says of a host, as Ansible merges it; secrets are not shown.

    Example: ictops inventory show oak-it1-01
    """
    from ictops.operations.inventory import describe  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    found = describe(load_settings(cluster), host)
    if json:
        as_json(found)
        return
    out = console()
    about = found.host
    out.print(f"{about.name}: {about.kind}, {about.system}, at {about.site}, room {about.room}")
    out.print(f"{found.file}:{about.line}")
    out.print(f"groups: {', '.join(about.groups)}")
    for name, value in sorted(found.variables.items()):
        out.print(f"  {name}: {value}", soft_wrap=True)
