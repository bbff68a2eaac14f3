"""See the module of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.ictops.schools.plugins.plugin_utils.switches import (
    WHOLE,
    VaultSeal,
    as_outcome,
    devices_of,
)

from ictops.errors import SwitchError
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
                "at_once": {"type": "int", "default": 50},
                "at_once_a_site": {"type": "int", "default": 50},
            }
        )
        archive = Archive(Path(args["folder"]))
        devices, outcomes = devices_of(task_vars or {})
        hostvars = (task_vars or {})["hostvars"]
        for device, outcome in back_up(
            devices,
            archive,
            at_once=args["at_once"],
            at_once_a_site=args["at_once_a_site"],
            whole=frozenset(d.name for d in devices if hostvars[d.name].get(WHOLE)),
            seal=VaultSeal(self._loader),
            write=not self._task.check_mode,
        ):
            outcomes[device.name] = as_outcome(outcome)
        commit = None
        if args["commit"] and not self._task.check_mode:
            try:
                commit = archive.commit("backup by ansible-playbook", by="ansible")
            except SwitchError as error:
                return {"failed": True, "msg": str(error), "switches": outcomes, "commit": None}
        return {"changed": False, "switches": outcomes, "commit": commit}
