"""What a farm of simulated switches is made of, as ``farm.json`` says it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from ictops.errors import LabError
from ictops.network.declared import Expression, Part

FILE = "farm.json"


class Neighbour(Part):
    """What a switch hears by LLDP on one port."""

    port: str
    """The switch's own port."""
    name: str
    neighbour_port: str
    mac: str = "02:00:5e:00:00:01"
    description: str = "a simulated neighbour"
    address: str = ""


class Management(Part):
    """The path by which a switch is managed: without it nobody reaches the switch."""

    vlan: int
    uplink: str | None = None
    """The port that carries the VLAN; None where only the VLAN's interface counts."""


class Plane(Part):
    """The Open vSwitch bridge that carries what a switch's configuration says."""

    database: str
    """The socket of its database."""
    bridge: str
    ports: dict[str, str]
    """The bridge's interface of each port, by the name that the port has on the command line."""
    own: dict[int, str] = {}
    """The one behind which the switch itself answers, by the VLAN in which it does."""


class Faults(Part):
    """What goes wrong with a switch; all of it can be set and taken back while it runs."""

    refuse: Expression | None = None
    """A line in which this expression is found gets the platform's error."""
    drop_at_line: int | None = Field(default=None, ge=1)
    """The session ends as this line of configuration comes, counted from now, once."""
    drop_after: bool = False
    """Whether that line, or that of ``drop_at``, is still carried out."""
    drop_at: Expression | None = None
    """The session ends as a line comes in which this expression is found, in any mode, once."""
    hang: bool = False
    """Sessions go silent; what was typed is carried out when the fault is taken back."""
    latency: float | None = Field(default=None, ge=0)
    """Seconds before each answer, instead of the switch's own."""
    empty_running: bool = False
    truncated_running: int | None = Field(default=None, ge=0)
    """The running configuration is shown up to so many lines."""
    new_host_key: bool = False
    """The switch shows a key that nobody knows."""
    refuse_logins: bool = False
    """Connections are closed before a login."""
    banner_prompt: str | None = None
    """A text, such as a prompt, that stands inside the banner."""
    odd_descriptions: bool = False
    """Descriptions hold control characters and letters beyond ASCII."""


class DeviceModel(Part):
    """A simulated switch as it comes out of its box."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    """Also the name of its key's file."""
    platform: str
    address: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    """0 lets the kernel choose; ``listening.json`` says what it chose."""
    user: str = "admin"
    password: str = "simulated"  # noqa: S105 - of a switch that is none
    enable_password: str | None = None
    """None: ``enable`` asks for none."""
    may_enable: bool = True
    latency: float = Field(default=0.0, ge=0)
    """Seconds before each answer."""
    banner: str | None = None
    """None: the platform's own, which says that the switch is simulated."""
    running: str = ""
    startup: str | None = None
    """None: as running."""
    neighbours: tuple[Neighbour, ...] = ()
    management: Management | None = None
    plane: Plane | None = None
    """None: it only says that it carries something."""
    faults: Faults = Faults()

    @model_validator(mode="after")
    def _one_cut(self) -> Self:
        if self.plane is not None and self.management is not None:
            raise ValueError("what has a plane is cut off by that, and needs no management")
        return self


class FarmModel(Part):
    """A farm: devices that one process plays."""

    devices: tuple[DeviceModel, ...]
    time_scale: float = Field(default=1.0, gt=0)
    """Real seconds to one second of a switch's timers; tests make minutes short by it."""
    boot_seconds: float = Field(default=120.0, ge=0)
    """How long a switch takes to reboot, by its own clock."""
    shared_key: bool = False
    """Whether all switches show one host key."""


def read_farm(folder: Path) -> FarmModel:
    """Read a farm's ``farm.json``.

    :raises LabError: if it is missing or wrong, or two devices have one name.
    """
    path = folder / FILE
    try:
        farm = FarmModel.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError("there is no such file", where=str(path)) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LabError(f"{place}: {first['msg']}", where=str(path)) from error
    names = [device.name for device in farm.devices]
    double = sorted({name for name in names if names.count(name) > 1}) if _twice(names) else []
    if double:
        raise LabError(f"two devices are called {double[0]}", where=str(path))
    return farm


def _twice(names: list[str]) -> bool:
    return len(set(names)) < len(names)
