"""What switches say of their neighbours and ports, and where that is kept: a file a switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ictops.errors import CommandRefused, SwitchError
from ictops.network.archive import path_of
from ictops.network.batch import in_batch
from ictops.network.device import Device, Session, login
from ictops.network.jobs import Done
from ictops.network.neighbours import Neighbour, neighbours_of
from ictops.network.ports import Port, ports_of
from ictops.network.topology import Switch
from ictops.network.whole import write_whole
from ictops.settings import make_private


@dataclass(frozen=True, slots=True)
class Survey:
    """What a switch said when it was asked.

    :ivar at: when it was asked.
    :ivar fault: why it did not say anything; empty where it did.
    """

    switch: Switch
    site: str
    at: datetime
    fault: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    ports: tuple[Port, ...] = ()


_FILE = TypeAdapter(Survey)


class Surveys:
    """The last survey of each switch, in a folder a site.

    :param folder: where they are, or are to be. No secret is in them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, survey: Survey) -> None:
        """Put a survey in the place of the one that is there.

        :raises SwitchError: if it cannot be written.
        """
        site, name = survey.site, survey.switch.name
        path = self.folder / f"{path_of(site, name)}.json"
        try:
            make_private(self.folder)
            path.parent.mkdir(exist_ok=True)
            write_whole(path, _FILE.dump_json(survey, indent=1))
        except OSError as error:
            raise SwitchError(
                f"the survey cannot be written: {error.strerror}", where=str(path)
            ) from error

    def of(self, site: str) -> dict[str, Survey]:
        """Give the surveys of a site by the names of its switches.

        :raises SwitchError: if a file is not one of ours.
        """
        found = {}
        for path in sorted((self.folder / site).glob("[!.]*.json")):
            try:
                found[path.stem] = _FILE.validate_json(path.read_bytes())
            except (OSError, ValidationError) as error:
                raise SwitchError(
                    "the survey cannot be read", where=str(path), do="Remove it and survey again"
                ) from error
        return found


def survey(
    devices: Iterable[tuple[Device, Switch]],
    surveys: Surveys,
    *,
    now: datetime,
    at_once: int,
    at_once_a_site: int,
    write: bool = True,
) -> Iterator[tuple[Device, Done | SwitchError]]:
    """Ask switches for their neighbours and ports.

    :param devices: each with what a map says of it.
    :param now: what is written down as the time of asking.
    :param write: False asks only.
    """
    switches = dict(devices)
    for device, outcome in in_batch(switches, _ask, at_once=at_once, at_once_a_site=at_once_a_site):
        asked = Survey(switches[device], device.site, now)
        if isinstance(outcome, SwitchError):
            asked = replace(asked, fault=outcome.what)
            done: Done | SwitchError = outcome
        else:
            neighbours, ports = outcome
            asked = replace(asked, neighbours=tuple(neighbours), ports=tuple(ports))
            done = Done(changed=False, message=_told(asked))
        try:
            if write:
                surveys.keep(asked)
        except SwitchError as error:
            done = error
        yield device, done


def _ask(device: Device) -> tuple[list[Neighbour], list[Port]]:
    with login(device) as session:
        return ask(session)


def ask(session: Session) -> tuple[list[Neighbour], list[Port]]:
    """Ask a switch for its neighbours and ports; what it does not know, there is none of.

    :raises SwitchUnreachable: if it is lost on the way.
    """
    platform = session.platform
    neighbours = neighbours_of(platform, session.show_first(platform.shows.neighbours))
    texts = []
    for command in platform.shows.interfaces:
        try:
            texts.append(session.show(command))
        except CommandRefused:
            continue
    return neighbours, ports_of(platform, texts)


def _told(asked: Survey) -> str:
    up = sum(port.state == "up" for port in asked.ports)
    return f"{len(asked.neighbours)} neighbours; {len(asked.ports)} ports, {up} up"
