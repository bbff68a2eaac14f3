"""See the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

OUTCOMES = "outcomes"


class ActionModule(ActionBase):
    """Gives a switch its own result."""

    _requires_connection = False

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: Any) -> Any:
        """Take this host's outcome out of all: else all would be gone through for each host."""
        if name == OUTCOMES:
            found = templar.resolve_to_container(value) if isinstance(value, str) else value
            own = templar.available_variables["inventory_hostname"]
            if isinstance(found, dict):
                return {own: templar.template(found[own])} if own in found else {}
        return super().finalize_task_arg(name, value, templar, context)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the result of this host out of all."""
        super().run(tmp, task_vars)
        outcomes = self._task.args[OUTCOMES]
        name = (task_vars or {})["inventory_hostname"]
        outcome = outcomes.get(name)
        if outcome is None:
            return {"failed": True, "msg": "nothing was done to this switch"}
        return dict(outcome)
