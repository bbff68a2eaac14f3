"""See the module of the same name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.ictops.schools.plugins.plugin_utils.switches import (
    BATCH,
    VaultSeal,
    as_outcome,
    devices_of,
    kept_whole,
    result_of,
    with_diff,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.wiring import Wiring

from ictops.errors import SwitchError
from ictops.network.archive import Archive
from ictops.network.change import Options
from ictops.network.jobs import checks_by, configure
from ictops.network.methods import MOST_MINUTES
from ictops.network.restore import kept_at, parted_from


class ActionModule(ActionBase):
    """Makes every switch of the play what a backup holds of it."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give what came of each switch."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "folder": {"type": "path", "required": True},
                "at": {"type": "str", "required": True},
                "minutes": {"type": "int", "default": 5, "choices": [*range(1, MOST_MINUTES + 1)]},
                "may_touch_path": {"type": "bool", "default": False},
                "may_lose_neighbours": {"type": "bool", "default": False},
                "save": {"type": "bool", "default": True},
                "commit": {"type": "bool", "default": True},
                **BATCH,
            }
        )
        archive, seal = Archive(Path(args["folder"])), VaultSeal(self._loader)
        task_vars, write = task_vars or {}, not self._task.check_mode
        devices, outcomes = devices_of(task_vars)
        backups = {}
        for device in devices:
            try:
                backups[device] = kept_at(archive, seal, device, args["at"])
            except SwitchError as error:
                outcomes[device.name] = as_outcome(error)
        mask = archive.mask()
        wiring = Wiring(archive, task_vars, backups)
        for device, outcome in configure(
            backups,
            archive,
            lambda device: checks_by(
                device,
                partial(parted_from, backups[device], device, mask),
                wiring.uplinks(device.name),
            ),
            Options(
                minutes=args["minutes"],
                may_touch_path=args["may_touch_path"],
                may_lose_neighbours=args["may_lose_neighbours"],
                save=args["save"],
                write=write,
            ),
            at_once=args["at_once"],
            at_once_a_site=args["at_once_a_site"],
            hops=wiring.hops,
            whole=kept_whole(backups, task_vars),
            seal=seal,
        ):
            outcomes[device.name] = with_diff(as_outcome(outcome))
        title = "after a restore by ansible-playbook"
        return result_of(outcomes, archive, title, commit=args["commit"] and write)
