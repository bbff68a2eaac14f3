"""A task in a thread of this process, where Ansible would fork one."""

from __future__ import annotations

import pickle
import threading
from typing import Any

from ansible._internal import _task
from ansible._internal._errors import _error_utils
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_result import _RawTaskResult
from ansible.inventory.host import Host
from ansible.playbook.task import Task
from ansible.plugins.connection import ssh
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.baton import BATON
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.connection import Connection

SSH = frozenset(("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh", "smart"))
WAITING = frozenset(
    prefix + name
    for prefix in ("", "ansible.builtin.", "ansible.legacy.")
    for name in ("async_status", "pause", "reboot", "wait_for_connection")
)
"""Actions that wait by themselves, which would keep all other threads waiting."""


def fits(task: Task, task_vars: dict[str, Any]) -> bool:
    """Tell whether a task can be done in a thread: it talks to its host by ssh and nothing else.

    A task with a time limit needs a process of its own (the limit is a signal), and so does
    one that waits between tries. Where hosts take turns, by ``throttle``, there is nothing to gain.
    """
    connection = task_vars.get("ansible_connection", task.connection)
    return (
        connection in SSH
        and task.action not in WAITING
        and not (task.delegate_to or task.async_val or task.timeout)
        and not (task.until or task.retries or task.throttle)
        and not (task.loop_control and task.loop_control.pause)
    )


class Executor(TaskExecutor):
    """Ansible's own, with our connection where it chose ssh."""

    def _get_connection(self, cvars: dict[str, Any], templar: Any, current_connection: str) -> Any:
        connection = super()._get_connection(cvars, templar, current_connection)
        if type(connection) is ssh.Connection:
            connection.__class__ = Connection  # its options stay those of the ssh plugin
            connection.inventory_name = self._host.name
        return connection


class Results:
    """Takes what a task says, as Ansible's queue between processes does.

    Pickled and unpickled, so that no object is shared where Ansible shares none.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    def _across(self, result: _RawTaskResult) -> _RawTaskResult:
        wire = pickle.loads(pickle.dumps(result.as_wire_task_result()))
        return self._strategy._convert_wire_task_result_to_raw(wire)

    def send_task_result(self, result: _RawTaskResult) -> None:
        across = self._across(result)
        with self._strategy._results_lock:
            self._strategy._results.extend(self._strategy.results_with(across))
            self._strategy._results_lock.notify()

    def send_callback(self, method: str, result: _RawTaskResult) -> None:
        self._strategy._tqm.send_callback(method, self._across(result))


class ThreadWorker:
    """Stands where Ansible's WorkerProcess stands."""

    exitcode = 0

    def __init__(self, strategy: Any, **given: Any) -> None:
        self._strategy = strategy
        self._given = given
        self._told = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start, and let the thread run until it waits for its host."""
        self._thread.start()
        with BATON.handed_on():
            pass

    def is_alive(self) -> bool:
        """Tell whether its result is still to come; what it does then needs nobody's place."""
        return not self._told

    def close(self) -> None:
        self._thread.join()

    def terminate(self) -> None:
        """Do nothing: a thread ends with its process."""

    def _run(self) -> None:
        BATON.take()
        try:
            self._do()
        finally:
            BATON.hand_on()

    def _do(self) -> None:
        given, results = self._given, Results(self._strategy)
        host: Host = given["host"]
        shared: Task = given["task"]
        task = shared.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = shared._parent
        try:
            with _task.TaskContext(task):
                done = Executor(
                    host,
                    task,
                    given["task_vars"],
                    given["play_context"],
                    given["loader"],
                    given["shared_loader_obj"],
                    results,
                    given["variable_manager"],
                ).run()
                self._told = True
                results.send_task_result(_RawTaskResult(host, task, done, task.dump_attrs()))
        except BaseException as error:  # whatever it is, the play waits for a result
            failure = _error_utils.result_dict_from_exception(error)
            self._told = True
            results.send_task_result(_RawTaskResult(host, task, failure, {}))
