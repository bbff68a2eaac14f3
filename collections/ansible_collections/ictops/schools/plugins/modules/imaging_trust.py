#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SSH host keys that were made on a PC, pinned on the control machine; an action."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: imaging_trust
short_description: Pin the SSH host keys that were made on a PC when its image was written
description:
  - Puts the keys into a known_hosts file of the control machine, in the place of what was pinned
    for the address. It talks to nobody.
options:
  file:
    description: The known_hosts file.
    type: path
    required: true
  address:
    description: By which the host is reached.
    type: str
    required: true
  port:
    description: Where its SSH answers.
    type: int
    default: 22
  keys:
    description: Its public host keys, as C(type base64).
    type: list
    elements: str
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Pin its host keys
  ictops.schools.imaging_trust:
    file: "{{ inventory_dir }}/known_hosts/oakfield"
    address: "{{ ansible_host }}"
    keys: "{{ job.host_keys }}"
"""

RETURN = r"""
msg:
  description: What was pinned.
  returned: always
  type: str
"""
