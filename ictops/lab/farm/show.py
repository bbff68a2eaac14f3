"""What a simulated switch shows: its configurations, itself, its neighbours, its ports."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ictops.lab.farm.config import Line, Lines
from ictops.lab.farm.device import Device
from ictops.lab.farm.kind import Shown, Wrap
from ictops.lab.farm.trees import config_lines, hostname

_DESCRIPTION = re.compile(r'^(\s*(?:set .* )?(?:description|name|comment)[ =]"?)', re.MULTILINE)
ODD = "\u00c9cole \u2603\x07\x1b[31m\u200f "
"""What a description begins with that somebody typed carelessly."""


def running(device: Device) -> str:
    """Give what ``show running-config`` prints."""
    if device.faults.empty_running:
        return ""
    rows = _wrapped(device, device.kind.running, device.running).splitlines(keepends=True)
    if device.faults.truncated_running is not None:
        rows = rows[: device.faults.truncated_running]
    return with_odd_descriptions(device, "".join(rows))


def startup(device: Device) -> str:
    """Give what ``show startup-config`` prints."""
    return with_odd_descriptions(device, _wrapped(device, device.kind.startup, device.startup))


def with_odd_descriptions(device: Device, text: str) -> str:
    """Give a shown configuration, odd if the fault is there."""
    return _DESCRIPTION.sub(rf"\g<1>{ODD}", text) if device.faults.odd_descriptions else text


def version(device: Device) -> str:
    """Give what ``show version`` prints; it says that the switch is simulated."""
    return device.kind.version.format(**facts(device))


def inventory(device: Device) -> str:
    """Give what shows the modules."""
    return device.kind.inventory.format(**facts(device))


def lldp(device: Device) -> str:
    """Give what shows the neighbours by LLDP."""
    shown, about = device.kind.lldp, facts(device)
    shut = {port for port, line in _named_ports(device) if _is_shut(line)}
    parts = [
        shown.each.format_map(about | one.model_dump(exclude={"name"}) | {"neighbour": one.name})
        for one in device.model.neighbours
        if one.port not in shut
    ]
    head = shown.head.format(**about, count=len(parts))
    return head + "".join(parts) + shown.foot.format(**about, count=len(parts))


def interfaces(device: Device, shown: Shown) -> str:
    """Give what shows the ports; those with a neighbour are up."""
    about = facts(device)
    up = {one.port for one in device.model.neighbours}
    parts = []
    for port, line in _named_ports(device):
        texts, shut = _texts(line), _is_shut(line)
        connected = port in up and not shut
        description = _value(texts, r"(?:^(?:description|name) |comment=)['\"]?([^'\"]*)")
        vlan = _vlan(texts)
        parts.append(
            shown.each.format(
                **about,
                port=port,
                short=_short(port),
                description=description,
                dashes=description or "--",
                status="disabled" if shut else "connected" if connected else "notconnect",
                updown="up" if connected else "down",
                Updown="Up" if connected else "Down",
                enabled="no" if shut else "yes",
                Enabled="No" if shut else "Yes",
                Enable="Disable" if shut else "Enable",
                admin="down" if shut else "up",
                flag="X" if shut else "R" if connected else " ",
                vlan=vlan or "trunk",
                native=vlan or "1",
                mode="access" if vlan else "trunk",
                letter="A" if vlan else "T",
            )
        )
    return shown.head.format(**about) + "".join(parts) + shown.foot.format(**about)


def _ports(device: Device) -> tuple[Line, ...]:
    inside = device.kind.ports_in
    if not inside:
        return device.running
    return tuple(port for one in device.running if one.text == inside for port in one.children)


def _named_ports(device: Device) -> Iterator[tuple[str, Line]]:
    """Give each port's name and what stands of it."""
    for line in _ports(device):
        found = re.search(device.kind.port, line.text)
        if found is not None:
            yield found[1], line


def _texts(line: Line) -> list[str]:
    return [child.text for child in line.children] or [line.text]


def _is_shut(line: Line) -> bool:
    texts = _texts(line)
    return "shutdown" in texts or "disable" in texts or "disabled=yes" in line.text


def _vlan(texts: list[str]) -> str:
    """Give the VLAN of an access port; a trunk has none."""
    if any(
        text.startswith(("switchport mode trunk", "vlan trunk", "vlan tagging")) for text in texts
    ):
        return ""
    return _value(texts, r"^(?:switchport access vlan|vlan access|vlan pvid) (\d+)") or "1"


def _value(texts: list[str], expression: str) -> str:
    found = (re.search(expression, text) for text in texts)
    return next((match[1] for match in found if match is not None), "")


def _short(port: str) -> str:
    return re.sub(r"^(Gi|Te|Fa|Et)[A-Za-z]+", r"\1", port).replace("ethernet", "Eth ")


def facts(device: Device) -> dict[str, Any]:
    """Give what the texts of a platform may name."""
    now = datetime.now(UTC)
    up = now - device.booted_at
    minutes = int(up.total_seconds()) // 60
    return {
        "host": hostname(device.kind, device.running) or device.name,
        "user": device.model.user,
        "serial": device.serial,
        "mac": device.mac,
        "mac_dots": _dotted(device.mac),
        "now": now,
        "changed": device.changed_at,
        "changed_by": device.changed_by,
        "saved": device.saved_at,
        "uptime": f"{minutes // 60} hours, {minutes % 60} minutes",
        "random": 17179000 + secrets.randbelow(1000),
        "token": secrets.token_hex(8),
    }


def _dotted(mac: str) -> str:
    digits = mac.replace(":", "")
    return ".".join(digits[at : at + 4] for at in range(0, 12, 4))


def _wrapped(device: Device, wrap: Wrap, lines: Lines) -> str:
    body = "".join(f"{row}\n" for row in config_lines(device.kind, lines))
    about = facts(device)
    size = len(body.encode(errors="replace"))
    return wrap.head.format(**about, size=size) + body + wrap.foot.format(**about, size=size)
