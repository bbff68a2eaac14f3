"""See the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Gives a switch its own result."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the result of this host out of all."""
        super().run(tmp, task_vars)
        outcomes = self._task.args["outcomes"]
        name = (task_vars or {})["inventory_hostname"]
        outcome = outcomes.get(name)
        if outcome is None:
            return {"failed": True, "msg": "nothing was done to this switch"}
        return dict(outcome)
