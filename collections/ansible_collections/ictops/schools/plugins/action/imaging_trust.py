"""See the module of the same name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ictops.errors import TrustError
from ictops.trust.known_hosts import KnownHosts, address_of, pin_keys

KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{20,1500}={0,2}"
)
"""A public key without a comment: what comes from a PC goes into a file of ours."""


class ActionModule(ActionBase):
    """Pins a host's keys."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give whether anything was pinned anew."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "file": {"type": "path", "required": True},
                "address": {"type": "str", "required": True},
                "port": {"type": "int", "default": 22},
                "keys": {"type": "list", "elements": "str", "required": True},
            }
        )
        keys = set(args["keys"])
        if not keys or not all(map(KEY.fullmatch, keys)):
            return {"failed": True, "msg": f"these are no host keys: {sorted(keys)!r}"}
        path, address = Path(args["file"]), address_of(args["address"], args["port"])
        try:
            changed = KnownHosts(path).pinned(address) != keys
            if changed and not self._task.check_mode:
                pin_keys(path, {address: keys})
        except TrustError as error:
            return {"failed": True, "msg": str(error)}
        return {"changed": changed, "msg": f"{len(keys)} host keys of {address} are pinned"}
