"""See the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Leaves a host for later."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give a failure that says so."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec({"msg": {"type": "str", "required": True}})
        return {"failed": True, "ictops_outcome": "deferred", "msg": args["msg"]}
