"""Tasks that need nothing of their hosts, done once for all of them.

Ansible spends some 10 ms on each host and task, whatever the task does. Two kinds of task are
not worth it: one that prints the same text for each host, and one that hands out what another
task, run once, found of all hosts. One host goes through all that Ansible does; the others get
the result that they would have had.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible._internal._templating._engine import TemplateEngine
from ansible.executor.task_result import _RawTaskResult
from ansible.inventory.host import Host
from ansible.playbook.handler import Handler
from ansible.playbook.task import Task

HANDED_OUT = "ictops.schools.switch_outcome"
PRINTED = frozenset(f"{prefix}debug" for prefix in ("", "ansible.builtin.", "ansible.legacy."))
HARMLESS = frozenset(("noop", "flush_handlers", "role_complete"))
"""What Ansible does between tasks, and which looks at no variable of a host."""
_OF_A_RESULT = re.compile(r"\{\{ *(?P<name>\w+)\.\w+ *\}\}")

_BY_HOST = (
    *("when", "loop", "loop_with", "register", "delegate_to", "async_val", "until", "retries"),
    *("notify", "changed_when", "failed_when", "timeout", "throttle", "run_once", "debugger"),
    *("no_log", "ignore_errors", "ignore_unreachable"),
)
"""Keywords with which a task is left to Ansible: most can be other with each host."""

Own = Callable[[str], dict[str, Any] | None]
"""Gives what a host's result says of its own, by its name; None: the host goes by itself."""


@dataclass(frozen=True)
class Together:
    """Hosts that a task goes through with another host.

    :ivar task: the task's uuid.
    """

    task: str
    first: Host
    others: Sequence[Host]
    own: Own

    def begins(self, host: Host, task: Task) -> bool:
        """Tell whether it is this host that goes through this task for the others."""
        return host.name == self.first.name and bool(task._uuid == self.task)

    def results(self, first: _RawTaskResult) -> list[_RawTaskResult]:
        """Give the results of the others, from that of the first."""
        told = first._return_data
        mine = {} if told.get("failed") else self.own(self.first.name) or {}
        shared = {key: value for key, value in told.items() if key not in mine}
        return [
            _RawTaskResult(
                host=host,
                task=first.task,
                return_data=shared | (self.own(host.name) or {} if mine else {}),
                task_fields=first.task_fields,
            )
            for host in self.others
        ]


def is_harmless(task: Task) -> bool:
    """Tell whether a task is one of those between tasks, and the same for each host."""
    return task._get_meta() in HARMLESS and not task.when and not isinstance(task, Handler)


def may_go_together(task: Task) -> bool:
    """Tell whether a task is of a kind that is done once, as far as its keywords tell."""
    if isinstance(task, Handler) or any(getattr(task, keyword) for keyword in _BY_HOST):
        return False
    if task.action == HANDED_OUT:
        return set(task.args) == {"outcomes"}
    msg = task.args.get("msg")
    return (
        task.action in PRINTED and set(task.args) == {"msg"} and isinstance(msg, str)
        and "{" not in msg
    )  # fmt: skip


def own_results(
    task: Task, hosts: Sequence[Host], facts: Mapping[str, Any], templar: TemplateEngine
) -> Own | None:
    """Read what a task gives each host; None if that may hang on the host.

    :param facts: what Ansible has registered, by host.
    :param templar: with the variables of any of the hosts.
    """
    if task.action in PRINTED:
        return lambda _: {}
    outcomes = task.args["outcomes"]
    named = _OF_A_RESULT.fullmatch(outcomes) if isinstance(outcomes, str) else None
    if named is None:
        return None
    registered = [facts.get(host.name, {}).get(named["name"]) for host in hosts]
    if registered[0] is None or any(one is not registered[0] for one in registered):
        return None
    found = templar.resolve_to_container(outcomes)
    if not isinstance(found, dict):
        return None

    def own(name: str) -> dict[str, Any] | None:
        outcome = found.get(name)
        if not isinstance(outcome, dict) or outcome.get("failed") or outcome.get("unreachable"):
            return None
        return dict(outcome)

    return own
