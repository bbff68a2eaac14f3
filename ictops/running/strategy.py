"""How Ansible runs a shard's tasks: fast by our strategy, or by its own linear one.

Linear starts a process here and a Python on the host for every task. ``resident``, in our
collection, keeps one Python on each host and runs tasks in threads. It reaches into
ansible-core, so it works only with the releases that it was made for: elsewhere linear is
used, and a person is told why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal

StrategyName = Literal["resident", "linear"]

CORES = ("2.19.",)
"""The releases of ansible-core that ``resident`` was tried with; it refuses others itself."""


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """What to add to ansible-playbook's environment."""

    name: StrategyName
    """What will be used, which may not be what was asked for."""
    env: dict[str, str] = field(default_factory=dict)
    warning: str | None = None
    """Why it is not what was asked for: a sentence for a person."""


def strategy_settings(wanted: StrategyName, core: str | None = None) -> StrategySettings:
    """Give the environment for a strategy; linear, with a warning, where resident cannot serve.

    :param core: ansible-core's version; the installed one if None.
    """
    core = core or version("ansible-core")
    if wanted == "resident" and core.startswith(CORES):
        return StrategySettings("resident", {"ANSIBLE_STRATEGY": "ictops.schools.resident"})
    linear = {"ANSIBLE_STRATEGY": "ansible.builtin.linear"}
    if wanted == "linear":
        return StrategySettings("linear", linear)
    return StrategySettings(
        "linear",
        linear,
        f"The strategy resident was not tried with ansible-core {core}, so Ansible's slower "
        'linear strategy is used. Set strategy = "linear" to have this quietly',
    )
