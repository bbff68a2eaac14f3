"""``ictops lab``: real Linux hosts in containers and simulated switches, to rehearse on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.output import as_json, console, styled, table
from ictops.errors import Exit, LabError

if TYPE_CHECKING:
    from ictops.lab.cluster import Recipe
    from ictops.lab.model import Lab
    from ictops.settings import Settings

lab_app = typer.Typer(
    help="A lab of real Linux hosts in containers and simulated switches, to rehearse on.",
    no_args_is_help=True,
)

FAULTS = {
    "off": "pull the plug",
    "on": "switch it on",
    "cut": "pull its network cable",
    "slow": "leave it a slow line",
    "heal": "undo cut and slow, and of a switch refuse and drop",
    "fill": "fill its disk for downloads",
    "free": "undo fill",
    "refuse": "a switch: print an error to a line",
    "drop": "a switch: lose the session",
    "reboot": "a switch: start it again",
}


def complete_lab(incomplete: str) -> list[str]:
    """Give the labs of this workspace whose name begins like this."""
    from ictops.lab.model import MARKER  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    found = settings.resolve(settings.inventories).glob(f"{incomplete}*/{MARKER}")
    return sorted(path.parent.parent.name for path in found)


def complete_lab_host(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Give the lab's hosts whose name begins like this, with their site."""
    from ictops.errors import IctopsError  # noqa: PLC0415
    from ictops.lab.hosts import cluster_of  # noqa: PLC0415

    try:
        lab, _ = _lab(context.params.get("name") or "lab")
        hosts = list(cluster_of(lab).all_hosts())
    except IctopsError:
        return []
    return [(host.name, host.site) for host in hosts if host.name.startswith(incomplete)]


def complete_fault(incomplete: str) -> list[tuple[str, str]]:
    """Give the faults that begin like this, in a few words each."""
    return [(name, says) for name, says in FAULTS.items() if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Option(
        "--name",
        help="The lab, and the cluster that it is; several can be up at once.",
        autocompletion=complete_lab,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(lab_app, name="lab")


@lab_app.command()
def up(
    *,
    name: Name = "lab",
    sites: Annotated[
        int | None, typer.Option(min=1, max=400, help="Make up this many schools.")
    ] = None,
    workstations: Annotated[
        int | None, typer.Option(min=0, max=200, help="Workstations at each of them (3).")
    ] = None,
    switches: Annotated[
        int | None, typer.Option(min=0, max=50, help="Switches at each of them (2), simulated.")
    ] = None,
    pcs: Annotated[
        int | None,
        typer.Option(
            min=0, max=30, help="Virtual PCs to image at the first of them (0), and a boot server."
        ),
    ] = None,
    copy: Annotated[
        str | None, typer.Option(metavar="CLUSTER", help="Copy the schools of this cluster.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="SITES", help="Only these of them, with commas between.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Take away what is there, and make all of it anew.")
    ] = False,
    cap_add: Annotated[
        list[str] | None,
        typer.Option(help="A Linux capability for new hosts: flatpak needs SYS_ADMIN, NET_ADMIN."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Bring a lab up: a cluster of its own, and a container with systemd and sshd for each host.

    Switches are simulated, all of them by one process. Without an option it has the three
    schools of ictops' demonstration. It can be run again at any time: it starts what is off,
    undoes faults and mends what is missing. It needs root, and the packages that docs/lab.md
    lists. Virtual PCs come with empty disks, and are off.

    Examples: ictops lab up; ictops lab up --sites 5; ictops lab up --copy mine --only oakfield;
    ictops lab up --name imaging --sites 1 --pcs 2
    """
    from ictops.lab.hosts import up as bring_up  # noqa: PLC0415
    from ictops.lab.machine import person  # noqa: PLC0415

    lab, settings = _lab(name)
    recipe = _recipe(settings, (sites, workstations, switches, pcs), copy, only)
    with _steps() as step:
        try:
            more = cap_add or ()
            owner = person(settings.workspace)
            bring_up(lab, recipe, fresh=fresh, capabilities=more, owner=owner, say=step)
        except KeyboardInterrupt:
            step(
                f"interrupted; up goes on from here, 'ictops lab down --name {name}' takes it away"
            )
            raise
        finally:
            _hand_over(lab, settings)
    _show(lab, json=json)
    if settings.cluster != name:
        say = f"commands for it: --cluster {name}, or once: export ICTOPS_CLUSTER={name}"
        console(stderr=True).print(say, soft_wrap=True)


@lab_app.command()
def status(*, name: Name = "lab", json: AsJson = False) -> None:
    """Show each host and switch of the lab, and its faults. Exit code 3 if one does not answer.

    A virtual PC need not answer: it may be off, or its disk empty.

    Example: ictops lab status
    """
    from ictops.lab.machine import require_root  # noqa: PLC0415

    require_root()
    _show(_lab(name)[0], json=json)


@lab_app.command()
def down(
    *,
    name: Name = "lab",
    everything: Annotated[
        bool, typer.Option("--all", help="Every lab of this workspace, and the hosts' image.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take away a lab: its hosts, switches, networks, keys, packages and cluster.

    The hosts' image stays for the next lab; with --all it goes too, unless a lab of
    another workspace has hosts of it. What runs did in the lab stays in the journal.

    Examples: ictops lab down; ictops lab down --all
    """
    from ictops.lab.machine import one_at_a_time, require_root  # noqa: PLC0415
    from ictops.lab.remove import remove, remove_all  # noqa: PLC0415

    lab, _ = _lab(name)
    require_root()
    with _steps() as say:
        if everything:
            gone = remove_all(lab.folder.parent, say)
        else:
            with one_at_a_time(say):
                gone = [f"the lab {name}"] if remove(lab) else []
    if json:
        as_json({"taken_away": gone})
        return
    for one in gone:
        console().print(f"taken away: {one}")
    if not gone:
        there = ", ".join(complete_lab("")) or "none"
        console().print(f"there is no lab {name} here (labs: {there})")


@lab_app.command()
def fault(
    host: Annotated[
        str, typer.Argument(help="The host or switch.", autocompletion=complete_lab_host)
    ],
    what: Annotated[
        str,
        typer.Argument(
            help=f"{', '.join(list(FAULTS)[:-1])} or {list(FAULTS)[-1]}.",
            metavar="FAULT",
            autocompletion=complete_fault,
        ),
    ],
    *,
    name: Name = "lab",
    rate: Annotated[
        int, typer.Option(min=8, help="Kilobits a second that slow leaves a host, each way.")
    ] = 256,
    line: Annotated[
        str, typer.Option(metavar="TEXT", help="What a line holds that a switch is to refuse.")
    ] = "",
    at: Annotated[
        int, typer.Option(min=1, help="The line of configuration at which drop ends the session.")
    ] = 1,
    json: AsJson = False,
) -> None:
    """Bring a fault on a host or switch of the lab, or undo it.

    off and on pull and plug the power; cut pulls the network cable, so that connections
    hang; slow leaves a host a slow line, and has a switch wait a second before each answer;
    heal undoes both; fill fills a host's /var/cache, where packages are downloaded to, and free
    empties it.

    Only switches: refuse has it print an error to each line that holds the text of --line; drop
    ends the session once, at the line of configuration of number --at; heal undoes both. reboot
    starts it again, with what it has stored. 'ictops lab up' undoes them all.

    Examples: ictops lab fault oak-it1-02 off; ictops lab fault oak-sw-01 refuse --line 'vlan 60'
    """
    from ictops.lab.faults import Fault, apply_fault  # noqa: PLC0415
    from ictops.lab.machine import require_root  # noqa: PLC0415
    from ictops.lab.pcs.faults import apply_pc_fault  # noqa: PLC0415
    from ictops.lab.pcs.school import room_of  # noqa: PLC0415
    from ictops.lab.switch_faults import apply_switch_fault, switch_names  # noqa: PLC0415

    if what not in set(Fault):
        raise typer.BadParameter(f"{what!r} is none of {', '.join(Fault)}")
    lab, _ = _lab(name)
    switches, room = switch_names(lab), room_of(lab)
    pc = room.find(host) if room else None
    if room is not None and pc is not None:
        require_root()
        apply_pc_fault(room, pc, Fault(what), rate=rate)
    elif host in switches:
        apply_switch_fault(lab, host, Fault(what), line=line, at=at)
    else:
        require_root()
        apply_fault(lab, host, Fault(what), rate=rate, beside=switches)
    as_json({"host": host, "fault": what}) if json else console().print(f"{host}: {what}")


def _lab(name: str) -> tuple[Lab, Settings]:
    from ictops.lab.model import Lab  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    return Lab(name, settings.resolve(settings.inventories) / name), settings


def _recipe(
    settings: Settings,
    sizes: tuple[int | None, int | None, int | None, int | None],
    copy: str | None,
    only: str | None,
) -> Recipe | None:
    from ictops.lab.cluster import Recipe  # noqa: PLC0415

    said = [one for one in sizes if one is not None]
    if copy is not None:
        if said:
            raise typer.BadParameter("--copy has what it copies: no --sites or --pcs with it")
        folder = settings.resolve(settings.inventories) / copy
        if not folder.is_dir() or folder.parent != settings.resolve(settings.inventories):
            there = sorted(p.name for p in folder.parent.glob("[!.]*") if p.is_dir())
            raise LabError(
                "there is no such cluster", where=copy, do=f"There are: {', '.join(there)}"
            )
        codes = tuple(code.strip() for code in (only or "").split(",") if code.strip())
        return Recipe(copy_of=str(folder), only=codes)
    if only is not None:
        raise typer.BadParameter("--only is for --copy")
    if not said:
        return None
    sites, workstations, switches, pcs = sizes
    if not workstations and workstations is not None and not pcs:
        raise typer.BadParameter("--workstations 0 is for a lab with --pcs")
    return Recipe(
        sites=sites or 3,
        workstations=3 if workstations is None else workstations,
        switches=2 if switches is None else switches,
        pcs=pcs or 0,
    )


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Say each step as it begins; in a terminal also how long it has lasted."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    out = console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    progress = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)

    def say(text: str) -> None:
        for task in progress.task_ids:
            progress.remove_task(task)
        out.print(text)
        progress.add_task("")

    with progress:
        yield say


def _hand_over(lab: Lab, settings: Settings) -> None:
    """Give what is not the hosts' to the person who called sudo."""
    from ictops.lab.machine import hand_over  # noqa: PLC0415

    inside = [] if not lab.folder.is_dir() else [lab.folder, *lab.folder.rglob("*")]
    # What is mounted into the hosts stays root's: their sshd would take no other's key.
    own = [path for path in inside if not path.is_relative_to(lab.own / "hosts")]
    hand_over([lab.folder.parent, *own], settings.workspace)


def _show(lab: Lab, *, json: bool) -> None:
    from ictops.lab.status import VIRTUAL  # noqa: PLC0415
    from ictops.lab.status import status as look  # noqa: PLC0415

    if lab.made_of() is None:
        there = ", ".join(complete_lab("")) or "none"
        raise LabError(
            "there is no such lab here",
            where=lab.name,
            do=f"Labs of this workspace: {there}; 'ictops lab up' brings one up",
        )
    from ictops.trust.known_hosts import SSH_PORT  # noqa: PLC0415

    found = look(lab)
    if json:
        as_json(found)
    else:
        shown = table("host", "site", "what", "address", "state", "ssh", "faults")
        for one in found:
            answer = styled("ok" if one.ssh else "failed")
            faults = ", ".join(one.faults)
            address = one.address if one.port == SSH_PORT else f"{one.address}:{one.port}"
            shown.add_row(one.host, one.site, one.what, address, one.state, answer, faults)
        console().print(shown)
    if not all(one.ssh or one.what == VIRTUAL for one in found):  # a PC may be off, or empty
        raise typer.Exit(Exit.FAULTS)
