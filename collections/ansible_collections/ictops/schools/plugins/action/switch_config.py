"""See the module of the same name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.ictops.schools.plugins.plugin_utils.role_values import (
    RoleValues,
    role_values,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.switches import (
    BATCH,
    WHOLE,
    Outcomes,
    VaultSeal,
    as_outcome,
    result_of,
    untold,
    variables_of,
    with_diff,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.wiring import Wiring

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.change import Checks, Options
from ictops.network.clean import Mask
from ictops.network.described import Described
from ictops.network.device import Device
from ictops.network.difference import Difference, managed_difference
from ictops.network.jobs import checks_by, configure
from ictops.network.platform import load_platform
from ictops.network.rendered import rendered
from ictops.network.wanted import wanted_of


@dataclass(frozen=True, slots=True)
class _Intent:
    """What is wanted of a switch, and how it is brought there."""

    lines: Sequence[str]
    features: frozenset[str]
    options: Options
    uplinks: Sequence[str]
    rotate: bool
    whole: bool


class ActionModule(ActionBase):
    """Compares or changes every switch of the play."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give what came of each switch."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "role": {"type": "path", "required": True},
                "folder": {"type": "path", "required": True},
                "commit": {"type": "bool", "default": True},
                **BATCH,
            }
        )
        archive = Archive(Path(args["folder"]))
        task_vars = task_vars or {}
        intents, outcomes = self._intents(role_values(Path(args["role"])), task_vars)
        mask = archive.mask()
        wiring = Wiring(archive, task_vars, intents)
        for device, outcome in configure(
            intents,
            archive,
            lambda device: _checks(device, intents[device], wiring.uplinks(device.name), mask),
            lambda device: intents[device].options,
            at_once=args["at_once"],
            at_once_a_site=args["at_once_a_site"],
            hops=wiring.hops,
            whole=frozenset(one.name for one, intent in intents.items() if intent.whole),
            seal=VaultSeal(self._loader),
        ):
            outcomes[device.name] = with_diff(as_outcome(outcome))
        title = "after a change by ansible-playbook"
        commit = args["commit"] and not self._task.check_mode
        return result_of(outcomes, archive, title, commit=commit)

    def _intents(
        self, role: RoleValues, task_vars: dict[str, Any]
    ) -> tuple[dict[Device, _Intent], Outcomes]:
        """Give what is wanted of each switch of the batch, or why nobody can say."""
        described, intents, outcomes = Described(), {}, Outcomes()
        for name in task_vars["ansible_play_batch"]:
            try:
                variables = variables_of(self._task, task_vars, self._loader, name)
                device = described.device(name, variables)
                intents[device] = self._intent(role, device, variables)
            except SwitchError as error:
                outcomes[name] = as_outcome(error)
            except AnsibleError as error:
                outcomes[name] = untold(name, error)
        return intents, outcomes

    def _intent(self, role: RoleValues, device: Device, variables: Any) -> _Intent:
        values = role.of(variables, device.name)
        wanted = wanted_of(values, role.ready_made, role.limits(device.platform), device.name)
        return _Intent(
            lines=rendered(wanted, device.platform, role.templates, device.name),
            features=wanted.features,
            options=Options(
                minutes=values["minutes"],
                may_touch_path=values["may_touch_path"],
                may_lose_neighbours=values["may_lose_neighbours"],
                save=values["save"],
                write=not self._task.check_mode,
            ),
            uplinks=values["uplinks"],
            rotate=values["rotate_secrets"],
            whole=bool(variables.get(WHOLE)),
        )


def _checks(device: Device, intent: _Intent, uplinks: Collection[str], mask: Mask) -> Checks:
    """Say what is looked at; ``uplinks`` are those that backups tell, where nobody said which."""
    platform = load_platform(device.platform)

    def compare(running: Sequence[str], *, rotate: bool) -> Difference:
        return managed_difference(
            platform, running, intent.lines, intent.features, mask, rotate=rotate
        )

    # Whether a secret is the one that was sent, no switch says.
    after = partial(compare, rotate=False)
    uplinks = intent.uplinks or uplinks
    return checks_by(device, partial(compare, rotate=intent.rotate), uplinks, after=after)
