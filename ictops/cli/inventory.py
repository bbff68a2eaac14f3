"""``ictops inventory``: is the description of the cluster right, and what it says of a host."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import yaml

from ictops.cli.completion import complete_host
from ictops.cli.hardware import hardware
from ictops.cli.options import AsJson, ClusterName
from ictops.cli.output import as_json, console, counted, from_here, working
from ictops.errors import Exit

inventory_app = typer.Typer(help="Check the inventory, and look into it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    inventory_app.command()(hardware)
    app.add_typer(inventory_app, name="inventory")


@inventory_app.command()
def check(*, cluster: ClusterName = None, json: AsJson = False) -> None:
    """Find every fault of the inventory in one run, each with file and line.

    Names, MACs and addresses used twice; hosts without a site or kind; addresses outside the
    site's subnets; broken YAML; calendars that are not there or cannot be relied on, and what
    sites add to them; variables that a role requires; vaults that the password does not open;
    lookups in a site's own file; files of variables that nobody reads.

    Exit codes: 0 there is no fault, 3 there are some.

    Example: ictops inventory check
    """
    from ictops.operations.inventory import check as find_faults  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    with working("reading the inventory"):
        report = find_faults(settings)
    if json:
        as_json(report)
    else:
        out = console()
        for fault in report.faults:
            file = from_here(settings.cluster_dir / fault.file)
            out.print(f"{file}:{fault.line}: {fault.what}", soft_wrap=True)
        found = counted(len(report.faults), "fault") if report.faults else "no faults"
        where = f"{counted(report.sites, 'site')} and {counted(report.hosts, 'host')}"
        out.print(f"{found} in {where} of {settings.cluster_dir.name}")
    raise typer.Exit(Exit.FAULTS if report.faults else Exit.OK)


@inventory_app.command()
def show(
    host: Annotated[str, typer.Argument(help="The host.", autocompletion=complete_host)],
    *,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Show what the inventory says of a host, as Ansible merges it, and where it stands.

    Templates are not rendered, and nothing is decrypted: «vault» stands for a secret.

    Exit codes: 0 shown, 3 there is no such host or the inventory is broken.

    Example: ictops inventory show oak-it1-01
    """
    from ictops.operations.inventory import describe  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    found = describe(load_settings(cluster), host)
    about = found.host
    if json:
        as_json({
            "host": about,
            "file": found.site.source,
            "variables": {name: one.value for name, one in found.variables.items()},
            "places": {name: one.where for name, one in found.variables.items()},
        })  # fmt: skip
        return
    out = console()
    what = " ".join(filter(None, (about.system, about.kind or "host of no kind")))
    room = f", room {about.room}" if about.room else ""
    out.print(f"{about.name}: {what} at {about.site}{room}", style="bold")
    out.print(f"file    {from_here(found.site.source)}:{about.line}", soft_wrap=True)
    out.print(f"groups  {', '.join(about.groups)}", soft_wrap=True)
    width = max((len(name) for name in found.variables), default=0)
    for name, one in sorted(found.variables.items()):
        out.print()
        out.print(f"{name:<{width}}  # {from_here(one.file)}:{one.line}", soft_wrap=True)
        out.print(_yaml(one.value), soft_wrap=True)


def _yaml(value: Any) -> str:
    """Give a value as YAML, indented under its name."""
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=1000)
    return "\n".join(f"  {line}" for line in text.removesuffix("...\n").splitlines())
