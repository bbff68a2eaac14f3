"""See the module of the same name."""

from __future__ import annotations

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
)

from ictops.network.archive import Archive
from ictops.network.jobs import back_up


class ActionModule(ActionBase):
    """Backs up every switch of the play."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give what came of each switch."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "folder": {"type": "path", "required": True},
                "commit": {"type": "bool", "default": True},
                **BATCH,
            }
        )
        archive = Archive(Path(args["folder"]))
        task_vars, write = task_vars or {}, not self._task.check_mode
        devices, outcomes = devices_of(task_vars)
        for device, outcome in back_up(
            devices,
            archive,
            at_once=args["at_once"],
            at_once_a_site=args["at_once_a_site"],
            whole=kept_whole(devices, task_vars),
            seal=VaultSeal(self._loader),
            write=write,
        ):
            outcomes[device.name] = as_outcome(outcome)
        title = "backup by ansible-playbook"
        return result_of(outcomes, archive, title, commit=args["commit"] and write)
