"""See the module of the same name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.ictops.schools.plugins.plugin_utils.switches import (
    BATCH,
    as_outcome,
    devices_of,
)

from ictops.network.described import ROOT
from ictops.network.survey import Surveys, survey
from ictops.network.topology import Switch


class ActionModule(ActionBase):
    """Surveys every switch of the play."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give what came of each switch."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "folder": {"type": "path", "required": True},
                **BATCH,
            }
        )
        task_vars = task_vars or {}
        devices, outcomes = devices_of(task_vars)
        hostvars = task_vars["hostvars"]
        described = [
            (one, Switch(one.name, one.platform, one.address, _is_root(hostvars[one.name])))
            for one in devices
        ]
        for device, outcome in survey(
            described,
            Surveys(Path(args["folder"])),
            now=datetime.now(UTC),
            at_once=args["at_once"],
            at_once_a_site=args["at_once_a_site"],
            write=not self._task.check_mode,
        ):
            outcomes[device.name] = as_outcome(outcome)
        return {"changed": False, "switches": outcomes}


def _is_root(variables: Any) -> bool:
    return bool(boolean(variables.get(ROOT, False), strict=False))
