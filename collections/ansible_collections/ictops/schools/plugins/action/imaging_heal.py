"""See the module of the same name."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.ictops.schools.plugins.action.imaging_order import (
    SPEC,
    TO_ARM,
    order,
    refuse_servers,
)

from ictops.errors import ImageError
from ictops.imaging.jobs import job_ids

LOCAL_MODULE = "ictops.schools.imaging_local"


class ActionModule(ActionBase):
    """Makes and signs a job on the control machine, and puts it on the PC's own disk."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the job's id, and whether it waits or has ended."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _, given = self.validate_argument_spec(SPEC, required_if=[TO_ARM])
        args = {**json.loads(json.dumps(given)), "kind": "heal"}  # plain: without Ansible's tags
        host = variables["inventory_hostname"]
        # Another id than that of a job that its boot server is given in the same run.
        name = "heal at boot" if args["standing"] else "heal alone"
        try:
            refuse_servers(host, variables["group_names"], args["and_servers"])
            job = order(host, job_ids(args["run"], host, name)[0], args, ("", [host]))
        except ImageError as error:
            return {"failed": True, "msg": str(error)}
        put = {"do": "put", "job": job.job, "signature": job.signature}
        result: dict[str, Any] = self._execute_module(
            module_name=LOCAL_MODULE,
            module_args={**put, "standing": args["standing"]},
            task_vars=variables,
        )
        return result
