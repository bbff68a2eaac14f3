"""From a play's hosts to switches, and from what became of them to Ansible's results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.vars.hostvars import HostVarsVars

from ictops.errors import ChangeFailed, SwitchError, SwitchUnreachable
from ictops.network.archive import Archive
from ictops.network.described import Described
from ictops.network.device import Device
from ictops.network.jobs import Done

Outcomes = dict[str, dict[str, Any]]

BATCH = {
    "at_once": {"type": "int", "default": 50},
    "at_once_a_site": {"type": "int", "default": 20},
}
"""What every action on a batch of switches takes; the doc fragment ``switches`` tells of it."""
WHOLE = "switch_backup_whole"
"""A site's or switch's own variable: keep its configuration with its secrets, encrypted."""


def devices_of(task_vars: Mapping[str, Any]) -> tuple[list[Device], Outcomes]:
    """Give the switches of the batch that the play is at, and the outcomes of those it cannot."""
    described, devices, outcomes = Described(), [], Outcomes()
    for name in task_vars["ansible_play_batch"]:
        try:
            devices.append(described.device(name, task_vars["hostvars"][name]))
        except SwitchError as error:
            outcomes[name] = as_outcome(error)
        except AnsibleError as error:
            outcomes[name] = untold(name, error)
    return devices, outcomes


def kept_whole(devices: Iterable[Device], task_vars: Mapping[str, Any]) -> frozenset[str]:
    """Give the names of those whose configuration is kept with its secrets, encrypted."""
    hostvars = task_vars["hostvars"]
    return frozenset(one.name for one in devices if hostvars[one.name].get(WHOLE))


def untold(name: str, error: AnsibleError) -> dict[str, Any]:
    """Give the outcome of a switch of which Ansible cannot tell a variable.

    Its template fails, or its vault stays shut.
    """
    return {"failed": True, "msg": f"{name}: {error}"}


def variables_of(task: Any, task_vars: Mapping[str, Any], loader: Any, name: str) -> HostVarsVars:
    """Give the variables that a task would have if it ran for a host of the batch.

    ``hostvars`` has those of the inventory alone; here are the play's and the role's, too. Each is
    templated as it is read, with that host's other variables.
    """
    hostvars = task_vars["hostvars"]
    host = hostvars._inventory.get_host(name)
    own = hostvars._variable_manager.get_vars(play=task.get_play(), host=host, task=task)
    return HostVarsVars(own, loader=loader, host=name)


class VaultSeal:
    """Encrypts with the vault password that Ansible was given."""

    def __init__(self, loader: Any) -> None:
        self._vault = loader._vault

    def close(self, text: str) -> str:
        """Encrypt a text.

        :raises SwitchError: if there is no password.
        """
        try:
            return self._vault.encrypt(text).decode()
        except AnsibleError as error:
            raise SwitchError(
                "its configuration cannot be kept whole: there is no vault password",
                do="docs/trust.md says where it comes from",
            ) from error

    def open(self, sealed: str) -> str:
        """Decrypt a text.

        :raises SwitchError: if the password is another one.
        """
        try:
            return self._vault.decrypt(sealed).decode()
        except AnsibleError as error:
            raise SwitchError("it was encrypted with another vault password") from error


def as_outcome(outcome: Done | SwitchError) -> dict[str, Any]:
    """Give what became of a switch as Ansible says it."""
    if isinstance(outcome, SwitchUnreachable):
        return {"unreachable": True, "msg": str(outcome)}
    if isinstance(outcome, ChangeFailed):
        return {"failed": True, "msg": str(outcome), "configuration": outcome.configuration}
    if isinstance(outcome, SwitchError):
        return {"failed": True, "msg": str(outcome)}
    return {"changed": outcome.changed, "msg": outcome.message, **outcome.more}


def result_of(outcomes: Outcomes, archive: Archive, title: str, *, commit: bool) -> dict[str, Any]:
    """Give the result of an action on all switches, its backups committed if that is wanted.

    :param title: what the commit says brought them.
    """
    made = None
    try:
        if commit:
            made = archive.commit(title, by="ansible")
    except SwitchError as error:
        return {"failed": True, "msg": str(error), "switches": outcomes, "commit": None}
    return {"changed": False, "switches": outcomes, "commit": made}


def with_diff(outcome: dict[str, Any]) -> dict[str, Any]:
    """Give an outcome with its difference as ``--diff`` shows it; secrets are masked there too."""
    lines = outcome.get("difference")
    if not lines:
        return outcome
    return {**outcome, "diff": {"prepared": "".join(f"{one}\n" for one in lines)}}
