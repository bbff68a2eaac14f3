"""Ansible's linear strategy, with tasks in threads and a Python that stays on each host."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible.errors import AnsibleError
from ansible.executor.process.worker import WorkerProcess
from ansible.inventory.host import Host
from ansible.playbook.task import Task
from ansible.plugins import strategy
from ansible.plugins.strategy import linear
from ansible.release import __version__
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.baton import BATON
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.connection import RESIDENTS
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.memo import (
    remember,
    spare_the_collector,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.worker import (
    ThreadWorker,
    fits,
)

DOCUMENTATION = r"""
name: resident
short_description: The linear strategy, many times faster
description:
  - Does what M(ansible.builtin.linear) does, in the same order, with the same results.
  - A Python is started once on each host and for each user that tasks become, and stays for
    the time of the play; each module runs in a forked child of it.
  - Tasks run in threads of one process, one thread at a time, which is handed on while a host
    is waited for.
  - What does not fit (other connections than ssh, delegation, async, time limits, retries,
    passwords for ssh or sudo) runs just as with the linear strategy.
  - It reaches into ansible-core, and is for ansible-core 2.19 only.
author:
  - The ictops developers (@ictops)
"""

CORE = "2.19."
POLL = 0.02
"""Seconds after which forked tasks are looked at again; threads say when they have ended."""


class StrategyModule(linear.StrategyModule):
    """See DOCUMENTATION."""

    def run(self, iterator: Any, play_context: Any) -> int:
        """Run a play."""
        if not __version__.startswith(CORE):
            raise AnsibleError(
                f"the strategy 'resident' is for ansible-core {CORE}x, this is {__version__}"
            )
        remember()
        spare_the_collector()
        BATON.take()
        try:
            return super().run(iterator, play_context)
        finally:
            BATON.hand_on()

    def _queue_task(
        self, host: Host, task: Task, task_vars: dict[str, Any], play_context: Any
    ) -> None:
        if fits(task, task_vars):
            strategy.WorkerProcess = partial(ThreadWorker, self)
        else:
            RESIDENTS.doubt(host.name)
        try:
            super()._queue_task(host, task, task_vars, play_context)
        finally:
            strategy.WorkerProcess = WorkerProcess

    def _wait_on_pending_results(self, iterator: Any) -> list[Any]:
        results: list[Any] = []
        while self._pending_results > 0 and not self._tqm._terminated:
            if self._tqm.has_dead_workers():
                raise AnsibleError("A worker was found in a dead state")
            results.extend(self._process_pending_results(iterator))
            if self._pending_results > 0:
                with BATON.handed_on(), self._results_lock:
                    if not self._results:
                        self._results_lock.wait(POLL)
        return results

    def _execute_meta(self, task: Task, play_context: Any, iterator: Any, target_host: Host) -> Any:
        if task._get_meta() == "reset_connection":
            RESIDENTS.drop_host(target_host.name)
        return super()._execute_meta(task, play_context, iterator, target_host)
