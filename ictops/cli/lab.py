"""``ictops lab``: real Linux hosts in containers, to rehearse on."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.output import as_json, console, styled, table
from ictops.errors import Exit, LabError

if TYPE_CHECKING:
    from ictops.estate.load import Cluster
    from ictops.lab.hosts import Lab

lab_app = typer.Typer(
    help="A lab of real Linux hosts in containers, to rehearse on.", no_args_is_help=True
)

Name = Annotated[str, typer.Option("--name", help="The lab's name; several can be up at once.")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="The cluster to bring up.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(lab_app, name="lab")


def _lab(name: str, cluster: str | None) -> tuple[Lab, Path, Path]:
    from ictops.lab.hosts import Lab  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cluster)
    folder = settings.resolve(settings.state_dir) / "lab" / name
    return Lab(name, folder), settings.cluster_dir, settings.cache_dir


def _load(cluster_dir: Path, cache_dir: Path) -> Cluster:
    from ictops.estate.load import load_cluster  # noqa: PLC0415

    return load_cluster(cluster_dir, cache_dir)


def complete_lab_host(incomplete: str) -> list[str]:
    """Give the lab's hosts whose name begins like this."""
    from ictops.lab.hosts import lab_hosts  # noqa: PLC0415

    _, cluster_dir, cache_dir = _lab("demo", None)
    hosts = lab_hosts(_load(cluster_dir, cache_dir))
    return [host.name for host in hosts if host.name.startswith(incomplete)]


@lab_app.command()
def up(
    *,
    name: Name = "demo",
    cluster: ClusterName = None,
    sites: Annotated[
        int | None, typer.Option(min=1, help="Make a new cluster with this many schools.")
    ] = None,
    workstations: Annotated[int, typer.Option(min=1, help="Workstations at each of them.")] = 3,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start every host anew.")] = False,
    cap_add: Annotated[
        list[str] | None,
        typer.Option(help="A Linux capability for new hosts: flatpak needs SYS_ADMIN, NET_ADMIN."),
    ] = None,
) -> None:
    """Bring the lab up: a container with systemd and sshd for each Linux host of the cluster.

    Can be run again at any time: it mends what is missing. Needs root, and Debian's
    packages podman, runc, mmdebstrap and dpkg-dev.

    Examples: ictops lab up; ictops lab up --name big --cluster big --sites 5
    """
    from ictops.lab.generate import (  # noqa: PLC0415
        FIRST_SUBNET,
        LAST_SUBNET,
        free_subnet,
        generate_cluster,
    )
    from ictops.lab.hosts import up as bring_up  # noqa: PLC0415
    from ictops.lab.podman import require, subnets_in_use  # noqa: PLC0415

    lab, cluster_dir, cache_dir = _lab(name, cluster)
    if sites is not None:
        if cluster is None:
            raise LabError("--sites makes a new cluster, so it needs a name", do="Give --cluster")
        require()
        # Anywhere among the free ones: two labs that are made at once hardly meet.
        start = FIRST_SUBNET + secrets.randbelow(LAST_SUBNET - FIRST_SUBNET)
        place = free_subnet(sites, subnets_in_use(), start)
        generate_cluster(cluster_dir, sites, workstations, place)
    out = console(stderr=True)
    schools = _load(cluster_dir, cache_dir)
    bring_up(lab, schools, fresh=fresh, capabilities=cap_add or (), say=out.print)
    _show(lab, cluster_dir, cache_dir, json=False)


@lab_app.command()
def status(
    *,
    name: Name = "demo",
    cluster: ClusterName = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show each host of the lab. Exit code 3 if one does not answer.

    Example: ictops lab status
    """
    _show(*_lab(name, cluster), json=json)


@lab_app.command()
def down(*, name: Name = "demo", cluster: ClusterName = None) -> None:
    """Take away the lab's hosts, networks, keys and packages.

    Example: ictops lab down
    """
    from ictops.lab.hosts import down as take_down  # noqa: PLC0415

    lab, cluster_dir, cache_dir = _lab(name, cluster)
    take_down(lab, _load(cluster_dir, cache_dir) if cluster_dir.is_dir() else None)
    console().print(f"the lab {name} is gone")


@lab_app.command()
def fault(
    host: Annotated[str, typer.Argument(help="The host.", autocompletion=complete_lab_host)],
    what: Annotated[
        str, typer.Argument(help="off, on, cut, heal, slow, fill or free.", metavar="FAULT")
    ],
    *,
    name: Name = "demo",
    delay: Annotated[int, typer.Option(min=1, help="Milliseconds that slow adds.")] = 300,
) -> None:
    """Bring a fault on a host of the lab, or undo it.

    off and on pull and plug the power; cut takes the network away so that connections
    hang, slow delays it, heal undoes both; fill fills /var/cache, where packages are
    downloaded to, and free empties it.

    Example: ictops lab fault oak-it1-02 off
    """
    from ictops.lab.faults import Fault, apply_fault  # noqa: PLC0415

    if what not in set(Fault):
        raise typer.BadParameter(f"{what!r} is none of {', '.join(Fault)}")
    lab, _, _ = _lab(name, None)
    apply_fault(lab, host, Fault(what), delay_ms=delay)
    console().print(f"{host}: {what}")


def _show(lab: Lab, cluster_dir: Path, cache_dir: Path, *, json: bool) -> None:
    from ictops.lab.hosts import status as look  # noqa: PLC0415

    found = look(lab, _load(cluster_dir, cache_dir))
    if json:
        as_json(found)
    else:
        shown = table("host", "site", "address", "state", "ssh")
        for one in found:
            answer = styled("ok" if one.ssh else "failed")
            shown.add_row(one.host, one.site, one.address, one.state, answer)
        console().print(shown)
    if not all(one.ssh for one in found):
        raise typer.Exit(Exit.FAULTS)
