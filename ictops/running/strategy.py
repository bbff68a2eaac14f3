"""Which strategy a shard runs under: mitogen where it fits, else Ansible's own linear."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

CORE_FOR_MITOGEN = ("2.10", "2.19")
"""The ansible-core releases that mitogen 0.3.54 supports, first and last.

mitogen lags behind ansible-core; its own check (ansible_mitogen/loaders.py) refuses others.
"""


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """What a job's environment needs for its strategy."""

    name: str
    env: dict[str, str] = field(default_factory=dict)
    warning: str = ""
    """Why it is not the strategy that was wanted; empty if it is."""


def strategy_settings(wanted: str) -> StrategySettings:
    """Give the environment for ``mitogen`` or ``linear``, falling back to linear."""
    if wanted != "mitogen":
        return StrategySettings("linear")
    spec = find_spec("ansible_mitogen")
    if spec is None or not spec.submodule_search_locations:
        return StrategySettings("linear", warning="mitogen is not installed: using linear")
    try:
        core = version("ansible-core")
    except PackageNotFoundError:
        core = "0"
    release = tuple(int(part) for part in core.split(".")[:2])
    first, last = (tuple(map(int, text.split("."))) for text in CORE_FOR_MITOGEN)
    if not first <= release <= last:
        text = f"mitogen does not support ansible-core {core} yet: using linear"
        return StrategySettings("linear", warning=text)
    plugins = Path(spec.submodule_search_locations[0]) / "plugins" / "strategy"
    env = {
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins),
        "ANSIBLE_STRATEGY": "mitogen_linear",
    }
    return StrategySettings("mitogen", env)
