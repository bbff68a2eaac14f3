"""From what is wanted of a switch to its platform's lines, by the templates of ``switch_config``.

A template sees the checked values alone, no other variable of a host, and what it gives is never
taken for a template again: a value that holds ``{{`` is a text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from ictops.errors import SwitchError
from ictops.network.members import as_list
from ictops.network.platform import load_platform
from ictops.network.wanted import Wanted, cannot_be_had

_PLAIN = re.compile(r"[\w.,:/@+-]+")
_LEVELS = {
    "cisco": (
        "emergencies", "alerts", "critical", "errors", "warnings", "notifications",
        "informational", "debugging",
    ),
    "aruba": ("emer", "alert", "crit", "err", "warning", "notice", "info", "debug"),
    "os10": ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"),
    "plain": ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"),
}  # fmt: skip
_SEVERITIES = (
    "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug",
)  # fmt: skip


class _Cannot(Exception):
    """A template says that its platform cannot do what is asked for."""


def rendered(wanted: Wanted, platform: str, templates: Path, host: str) -> list[str]:
    """Give the lines that a switch of a platform would show if it had what is wanted.

    :param templates: the folder of ``<platform>.j2``.
    :raises SwitchError: if the platform cannot do it, or its template is wrong.
    """
    try:
        text = _environment(templates).get_template(f"{platform}.j2").render(**_seen(wanted))
    except _Cannot as error:
        variable, why = error.args
        title = load_platform(platform).title
        raise SwitchError(cannot_be_had(variable, title, why), where=host) from None
    except TemplateError as error:
        raise SwitchError(f"the template {platform}.j2 fails: {error}", where=host) from error
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise SwitchError(f"the template {platform}.j2 gives what is no line", where=host)
    return lines


def _seen(wanted: Wanted) -> dict[str, Any]:
    names = {one["id"]: one["name"] for one in wanted.values["vlans"]}
    return {
        **wanted.values,
        "features": wanted.features,
        "vlan_ids": [1, *names],
        "vlan_name": lambda vlan: names.get(vlan, "default"),
        "cannot": _cannot,
    }


def _cannot(variable: str, why: str) -> NoReturn:
    raise _Cannot(variable, why)


@cache
def _environment(templates: Path) -> Environment:
    # No page is made here: autoescape would spoil "&" in a description.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        ranges=_ranges,
        ports=as_list,
        ip=lambda text: str(IPv4Interface(text).ip),
        netmask=lambda text: str(IPv4Interface(text).netmask),
        network=lambda text: str(IPv4Interface(text).network.network_address),
        net=IPv4Network,
        junos=_junos,
        routeros=_routeros,
        level=_level,
        groups=lambda users: sorted({one.get("group") or "readers" for one in users or ()}),
        tagged=lambda ports, vlan: [one.name for one in ports if vlan in one.tagged],
        carrying=lambda ports, vlan: [one for one in ports if vlan in one.allowed_vlans],
        in_words=lambda names, words: " ".join(words[one] for one in names),
    )
    return environment


def _ranges(numbers: Iterable[int], between: str = ",") -> str:
    """Give numbers as switches list them: ``1-3,8``."""
    return as_list(map(str, numbers)).replace(",", between)


def _junos(text: str) -> str:
    """Quote as Junos does: what is more than a word."""
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '\\"') + '"'


def _routeros(text: str) -> str:
    """Quote as an export does; ``$`` would be a variable."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace('"', '\\"').replace("$", "\\$") + '"'


def _level(severity: str, words: str) -> str:
    """Give a severity of RFC 5424 in the words of a platform."""
    return _LEVELS[words][_SEVERITIES.index(severity)]
