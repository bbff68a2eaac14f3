"""See the module of the same name."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

WAIT = "ictops.schools.job_wait"
A_WAIT = 60.0
"""Seconds that are waited at the host before the connection is proved again."""
PAUSE = 5.0
"""Seconds between two tries to reach a host whose connection was lost."""
SLACK = 30.0
"""Seconds after its time in which a backup is ended at the host, which says so."""
LOST = (
    "the backup was ended before its time: the host was restarted, or somebody stopped it; "
    "the next backup goes on from what is there"
)


class ActionModule(ActionBase):
    """Runs the module, and waits at the host where it is not bound to the connection.

    Ansible's own way, to ask every few seconds, takes from the backup that it asks for: a tenth of
    the time of one that has many small files.
    """

    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give what the module gives."""
        super().run(tmp, task_vars)
        if not self._task.async_val or self._task.poll:
            told: dict[str, Any] = self._execute_module(
                task_vars=task_vars, wrap_async=bool(self._task.async_val)
            )
            return told
        begun = self._execute_module(task_vars=task_vars, wrap_async=True)
        if begun.get("failed"):
            return dict(begun)
        try:
            return self._ended(begun, time.monotonic() + self._task.async_val + SLACK, task_vars)
        finally:
            self.cleanup(force=True)

    def _ended(
        self, begun: dict[str, Any], until: float, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        asked = {"path": begun["results_file"], "seconds": A_WAIT}
        unreachable: AnsibleConnectionFailure | None = None
        while time.monotonic() < until:
            try:
                found = self._execute_module(WAIT, asked, task_vars=task_vars)
            except AnsibleConnectionFailure as error:  # the backup goes on
                unreachable = error
                self._connection.reset()
                time.sleep(PAUSE)
                continue
            unreachable = None
            if found.get("failed"):
                return dict(found)
            if found["state"] == "lost":
                return {"failed": True, "msg": LOST}
            if found["state"] == "ended":
                return dict(found["result"])
        if unreachable is not None:
            raise unreachable
        return {"failed": True, "msg": f"the backup did not end in {self._task.async_val} s"}
