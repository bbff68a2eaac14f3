#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keys by which a host's sshd is known, as the host itself has them."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: ssh_host_keys
short_description: Give the public keys of a host's sshd
description:
  - Reads them on the host, as root, where sshd's own configuration says that they are, so that
    others can pin them without asking the network. Changes nothing.
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Learn the server's keys
  ictops.schools.ssh_host_keys:
  delegate_to: oak-bak-01
  become: true
"""

RETURN = r"""
keys:
  description: Each key's type and data, as in a file of known hosts but for the name.
  returned: always
  type: list
"""

SSHD = "/usr/sbin/sshd"


def keys_of(configuration: str) -> list[str]:
    """Give the public keys of what ``sshd -T`` says.

    A key that is named and not there is passed over, as sshd does.
    """
    found = []
    for line in configuration.splitlines():
        option, _, private = line.partition(" ")
        public = Path(f"{private}.pub")
        if option == "hostkey" and public.is_file():
            found.append(" ".join(public.read_text(encoding="utf-8").split()[:2]))
    return sorted(found)


def main() -> None:
    """Read them."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it is not there, sshd -T refuses
    code, out, err = module.run_command([SSHD, "-T"])
    if code != 0:
        module.fail_json(msg=f"sshd does not say which keys it has: {err.strip()}")
    keys = keys_of(out)
    if not keys:
        module.fail_json(msg="sshd has no key whose public half is there (a file .pub beside it)")
    module.exit_json(changed=False, keys=keys)


if __name__ == "__main__":
    main()
