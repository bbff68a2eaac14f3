"""See the module of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

SAME = "nothing of what roles manage has changed since a full check found it clean"


class ActionModule(ActionBase):
    """Takes a host's fingerprint, and ends the host's part where it is the known one."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the fingerprint; as a failure that says ``ok`` if it is the known one."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec({"known": {"type": "path"}})
        if not self._task.check_mode:
            return {"failed": True, "msg": "this would change hosts: run it with --check --diff"}
        if not args["known"] or not Path(args["known"]).is_file():  # its run is over
            return {"changed": False, "msg": "no fingerprint is known"}
        known = _read(args["known"])
        declared = self._templar.template(_trusted(known["declared"]))
        declared = {key: list(_flat(value)) for key, value in declared.items()}
        result: dict[str, Any] = self._execute_module(
            module_name="ictops.schools.fingerprint",
            module_args={"declared": declared},
            task_vars=task_vars,
        )
        taken = result.get("ictops_fingerprint", {}).get("digest")
        host = (task_vars or {}).get("inventory_hostname")
        if taken and known["hosts"].get(host) == taken:
            result |= {"failed": True, "ictops_outcome": "ok", "msg": SAME}
        return result


@lru_cache(maxsize=1)
def _read(path: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return known


def _flat(value: Any) -> Iterator[Any]:
    """Give the items of lists in lists; what is false is none."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif value:
        yield value


def _trusted(value: Any) -> Any:
    """Let templates in what roles declare be read as those in their own files are."""
    if isinstance(value, dict):
        return {key: _trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_trusted(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) else value
