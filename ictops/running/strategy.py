"""How Ansible runs a shard's tasks: fast by mitogen, or by its own linear strategy.

Linear starts a Python on the host for every task. Mitogen keeps one there for the whole
play. It reaches into ansible-core, so it works only with releases that it was made for:
where that is not certain, linear is used and a person is told why.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

StrategyName = Literal["mitogen", "linear"]

OLDEST_CORE = (2, 10)
"""ansible_mitogen.loaders.ANSIBLE_VERSION_MIN."""

NEWEST_CORE = (2, 21)
"""The newest that mitogen's notes name (0.3.50, ansible-core 2.21): it refuses none itself."""

OLDEST_MITOGEN = (0, 3, 50)


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """What to add to ansible-playbook's environment."""

    name: StrategyName
    """What will be used, which may not be what was asked for."""
    env: dict[str, str] = field(default_factory=dict)
    warning: str | None = None
    """Why it is not what was asked for: a sentence for a person."""


def strategy_settings(
    wanted: str,
    *,
    installed: Callable[[str], str] = version,
    plugins: Callable[[], Path | None] | None = None,
) -> StrategySettings:
    """Give the environment for a strategy; linear, with a warning, where mitogen cannot serve.

    :param wanted: ``mitogen`` or ``linear``.
    :param installed: gives a package's version, or raises PackageNotFoundError.
    :param plugins: gives the folder of mitogen's strategies, or None.
    """
    if wanted == "linear":
        return StrategySettings("linear", {"ANSIBLE_STRATEGY": "ansible.builtin.linear"})
    if wanted != "mitogen":
        return _linear(f"there is no strategy '{wanted}'")
    try:
        mitogen = installed("mitogen")
    except PackageNotFoundError:
        return _linear("mitogen is not installed")
    if _numbers(mitogen) < OLDEST_MITOGEN:
        return _linear(f"mitogen {mitogen} is older than {_dotted(OLDEST_MITOGEN)}")
    core = installed("ansible-core")
    if not OLDEST_CORE <= _numbers(core)[:2] <= NEWEST_CORE:
        return _linear(f"mitogen {mitogen} is not known to work with ansible-core {core}")
    folder = (plugins or plugins_folder)()
    if folder is None:
        return _linear(f"mitogen {mitogen} came without its strategies for Ansible")
    return StrategySettings(
        "mitogen",
        {"ANSIBLE_STRATEGY_PLUGINS": str(folder), "ANSIBLE_STRATEGY": "mitogen_linear"},
    )


def plugins_folder() -> Path | None:
    """Give the folder of mitogen's strategies, without importing mitogen; None without one."""
    found = importlib.util.find_spec("ansible_mitogen")
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place) / "plugins" / "strategy"
        if (folder / "mitogen_linear.py").is_file():
            return folder
    return None


def _linear(why: str) -> StrategySettings:
    return StrategySettings(
        "linear",
        {"ANSIBLE_STRATEGY": "ansible.builtin.linear"},
        f"{why[0].upper()}{why[1:]}, so Ansible's slower linear strategy is used. "
        'Set strategy = "linear" to have this quietly',
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Give the leading numbers of a version; what follows them (rc1, dev0) is left out."""
    leading = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in leading.group().split(".")) if leading else ()


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
