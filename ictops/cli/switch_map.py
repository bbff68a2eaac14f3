"""``ictops switch map`` and ``ictops switch ports``: what is connected to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ictops.cli.completion import complete_host, complete_sites
from ictops.cli.options import AsJson, ClusterName, SiteCodes, codes_of
from ictops.cli.output import console, counted, from_here, styled, table, working
from ictops.errors import Exit

if TYPE_CHECKING:
    from ictops.operations.switch_map import Connected, SiteMap

STATES = ("up", "free", "down", "disabled")


def draw_map(
    *,
    site: Annotated[
        str,
        typer.Option(help="The site's code.", autocompletion=complete_sites, show_default=False),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture's file, else SITE.svg.")
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """Draw how a site's switches hang together, by what each hears of its neighbours.

    All of them are asked now; nothing on them is changed, so no window is waited for. One that
    does not answer is drawn dashed, by what the others hear of it. The picture is an SVG, drawn
    by Graphviz. With --json the network is printed, and drawn only to the file of -o.

    Exit codes: 1 Graphviz is not there; 3 there is no such site, or no switch in it; 4 a switch
    could not be asked; 5 one did not answer.

    Example: ictops switch map --site oakfield -o oakfield.svg
    """
    from ictops.network.drawing import need_graphviz  # noqa: PLC0415 - heavy
    from ictops.operations.switch_map import draw  # noqa: PLC0415

    path = output or (None if json else Path(f"{site}.svg"))
    if path is not None:
        need_graphviz()

    def finish(maps: list[SiteMap]) -> dict[str, object]:
        if path is not None:
            draw(maps[0], path)
        return {"map": asdict(maps[0]), "file": str(path) if path else None}

    code, maps = _surveyed(cluster, (site,), None, json=json, finish=finish)
    if not json and path is not None:
        _tell(maps[0], path)
    raise typer.Exit(code)


def show_ports(
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="One switch.", autocompletion=complete_host),
    ] = None,
    *,
    site: SiteCodes = None,
    only: Annotated[
        str | None, typer.Option(help=f"Only ports that are one of {', '.join(STATES)}.")
    ] = None,
    cluster: ClusterName = None,
    json: AsJson = False,
) -> None:
    """List the ports of switches: what is there, what is free, what is down.

    They are asked now; nothing on them is changed, so no window is waited for. A port is free
    if nothing is connected and it has no description; with one it is down. Disabled is one that
    is shut down, or that the switch shut after an error.

    Exit codes: 3 there is no such switch; 4 a switch could not be asked; 5 one did not answer.

    Example: ictops switch ports --site oakfield --only free
    """
    from ictops.operations.switches import find_switch  # noqa: PLC0415 - heavy
    from ictops.settings import load_settings  # noqa: PLC0415

    if host and site:
        raise typer.BadParameter("give a HOST or --site, not both")
    if only and only not in STATES:
        raise typer.BadParameter(f"--only is one of {', '.join(STATES)}")
    sites = (find_switch(load_settings(cluster), host).site,) if host else codes_of(site)

    def finish(maps: list[SiteMap]) -> dict[str, object]:
        return {"ports": [asdict(port) for port in _ports(maps, only)]}

    code, maps = _surveyed(cluster, sites, host, json=json, finish=finish)
    if not json:
        _list(_ports(maps, None), only)
    raise typer.Exit(code)


def _surveyed(
    cluster: str | None,
    sites: tuple[str, ...],
    limit: str | None,
    *,
    json: bool,
    finish: Callable[[list[SiteMap]], dict[str, object]],
) -> tuple[Exit, list[SiteMap]]:
    """Survey switches, and lay out the sites in which they are."""
    from ictops.cli.apply import carry_and_show  # noqa: PLC0415 - heavy
    from ictops.operations.switch_map import begin_survey, map_of  # noqa: PLC0415
    from ictops.settings import load_settings  # noqa: PLC0415
    from ictops.store.journal import Journal  # noqa: PLC0415

    settings = load_settings(cluster)
    journal = Journal.open(settings.journal_url)
    since = datetime.now(UTC)  # a survey from before is none of this run
    with working("reading the inventory"):
        run_id = begin_survey(journal, settings, sites=sites, limit=limit)
    asked = sorted({host.site for host in journal.hosts(run_id)})
    maps: list[SiteMap] = []

    def finish_all() -> dict[str, object]:
        maps.extend(map_of(settings, one, since=since) for one in asked)
        return finish(maps)

    return carry_and_show(journal, run_id, settings, json=json, finish=finish_all), maps


def _tell(drawn: SiteMap, path: Path) -> None:
    out, topology = console(), drawn.topology
    out.print()
    switches = counted(len(topology.switches), "switch")
    links = counted(len(topology.links), "link")
    out.print(f"{from_here(path)}: {switches}, {links}, {len(topology.leaves)} other things")
    known = [far for far in drawn.distances.values() if far is not None]
    if drawn.roots and known:
        out.print(
            f"root {', '.join(drawn.roots)}; the furthest is {counted(max(known), 'link')} away"
        )
    for name, far in drawn.distances.items():
        if far is None:
            out.print(f"! {name}: no link to it is known")
    for link in topology.links:
        if not link.both and not {link.one, link.other} & set(topology.silent):
            one, other = f"{link.one} {link.one_port}", f"{link.other} {link.other_port}"
            out.print(f"! {one} and {other}: only one of them hears the other", soft_wrap=True)


def _ports(maps: Iterable[SiteMap], only: str | None) -> list[Connected]:
    return [port for one in maps for port in one.ports if only in {None, port.state}]


def _list(ports: list[Connected], only: str | None) -> None:
    out = console()
    shown = table("switch", "port", "state", "VLAN", "Mb/s", "description", "there")
    counts: dict[str, Counter[str]] = {}
    for port in ports:
        counts.setdefault(port.switch, Counter())[port.state] += 1
        if only in {None, port.state}:
            speed = str(port.speed or "")
            shown.add_row(
                port.switch, port.port, styled(port.state), port.vlan, speed, port.description,
                ", ".join(port.there),
            )  # fmt: skip
    if shown.row_count:
        out.print()
        out.print(shown)
    out.print()
    for switch, count in counts.items():
        said = ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
        out.print(f"{switch}: {counted(count.total(), 'port')}, {said}")
