"""Ansible's linear strategy, with tasks in threads and a Python that stays on each host."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible._internal._templating._engine import TemplateEngine
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
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.together import (
    Together,
    is_harmless,
    may_go_together,
    own_results,
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
  - A task that needs nothing of its hosts is done once, and each host gets its result.
  - What does not fit (other connections than ssh, delegation, async, time limits, retries,
    throttle, passwords for ssh or sudo) runs just as with the linear strategy.
  - It reaches into ansible-core, and is for ansible-core 2.19 only.
author:
  - The ictops developers (@ictops)
"""

CORE = "2.19."
POLL = 0.02
"""Seconds after which forked tasks are looked at again; threads say when they have ended."""


class StrategyModule(linear.StrategyModule):
    """See DOCUMENTATION."""

    _together: Together | None = None
    """Who goes through the task in hand with another host."""

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

    def _get_next_task_lockstep(self, hosts: list[Host], iterator: Any) -> list[tuple[Host, Task]]:
        """Give the hosts that the next task is done with one by one."""
        due: list[tuple[Host, Task]] = super()._get_next_task_lockstep(hosts, iterator)
        if len(due) < 2 or self._step or self.debugger_active:  # noqa: PLR2004
            return due
        task = due[0][1]
        if is_harmless(task):
            for host, _ in due[:-1]:
                self._execute_meta(task, None, iterator, host)
            return due[-1:]
        self._together = self._grouped(task, [host for host, _ in due], iterator._play)
        if self._together is None:
            return due
        left = {host.name for host in self._together.others}
        return [(host, task) for host, task in due if host.name not in left]

    def _grouped(self, task: Task, hosts: list[Host], play: Any) -> Together | None:
        if not may_go_together(task):
            return None
        facts = self._variable_manager._nonpersistent_fact_cache
        templar = TemplateEngine(self._loader, self._variables(play, hosts[0], task))
        own = own_results(task, hosts, facts, templar)
        together = [host for host in hosts if own is not None and own(host.name) is not None]
        if own is None or not together:
            return None
        if not fits(task, self._variables(play, together[0], task)):
            return None
        return Together(task._uuid, together[0], together[1:], own)

    def _variables(self, play: Any, host: Host, task: Task) -> dict[str, Any]:
        variables: dict[str, Any] = self._variable_manager.get_vars(
            play=play, host=host, task=task,
            _hosts=self._hosts_cache, _hosts_all=self._hosts_cache_all,
        )  # fmt: skip
        self.add_tqm_variables(variables, play=play)
        return variables

    def _queue_task(
        self, host: Host, task: Task, task_vars: dict[str, Any], play_context: Any
    ) -> None:
        if fits(task, task_vars):
            strategy.WorkerProcess = partial(ThreadWorker, self)
            self._wait_for_worker()
        else:
            RESIDENTS.doubt(host.name)
        try:
            super()._queue_task(host, task, task_vars, play_context)
        finally:
            strategy.WorkerProcess = WorkerProcess
        group = self._together
        for other in group.others if group is not None and group.begins(host, task) else ():
            self._blocked_hosts[other.name] = True
            self._queued_task_cache[other.name, task._uuid] = {
                "host": other, "task": task, "task_vars": task_vars, "play_context": play_context,
            }  # fmt: skip
            self._tqm.send_callback("v2_runner_on_start", other, task)
            self._pending_results += 1

    def _wait_for_worker(self) -> None:
        """Have a worker free, of which there are as many as forks.

        Ansible waits for one, too, but does not hand the baton on, without which none ends.
        """
        while not self._has_free_worker():
            with BATON.handed_on(), self._results_lock:
                self._results_lock.wait_for(self._has_free_worker, POLL)

    def _has_free_worker(self) -> bool:
        return any(worker is None or not worker.is_alive() for worker in self._workers)

    def results_with(self, result: Any) -> list[Any]:
        """Give a result, and those of the hosts that went with this one."""
        group = self._together
        if group is None or not group.begins(result.host, result.task):
            return [result]
        return [result, *group.results(result)]

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
