#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Linux host is like, as far as roles manage it, in one round trip."""

from __future__ import annotations

import hashlib
import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.fingerprint import fingerprint

DOCUMENTATION = r"""
---
module: fingerprint
short_description: See whether a host is as it was when a full check found it clean
description:
  - Takes a fingerprint of all that roles manage on a host, as root, in one round trip. Changes
    nothing, and runs in check mode only.
  - Where it is the same as the one that is known of the host, the host's part in this and all
    plays that follow is over, and a run of ictops counts it as C(ok).
options:
  known:
    description:
      - A file of the control machine, in JSON. C(declared) has what the roles declare in their
        C(meta/managed.yml); C(hosts) has, by host, the fingerprint that is known.
      - Without it nothing is done.
    type: path
  declared:
    description: What to take the fingerprint of; the action fills it in.
    type: dict
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Go on only where something has changed
  ictops.schools.fingerprint:
    known: /var/lib/ictops/known.json
  become: true
"""

RETURN = r"""
ictops_fingerprint:
  description: The fingerprint (C(digest)), and one of each part (C(parts)); SHA-256 in hex.
  returned: if O(known) is given
  type: dict
"""


def main() -> None:
    """Look."""
    arguments = {"known": {"type": "path"}, "declared": {"type": "dict"}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    try:
        parts = fingerprint(module.params["declared"] or {})
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"no fingerprint could be taken: {error}")
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    module.exit_json(changed=False, ictops_fingerprint={"digest": digest, "parts": parts})


if __name__ == "__main__":
    main()
