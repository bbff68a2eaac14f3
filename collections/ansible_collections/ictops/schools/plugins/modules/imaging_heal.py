#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PC's job to heal itself: made and signed on the control machine, put on its disk; an action."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: imaging_heal
short_description: Let a PC put itself back to its image at its next boot
description:
  - The job is made and signed on the control machine, and put on the PC's cache partition by
    M(ictops.schools.imaging_local). Its options are those of M(ictops.schools.imaging_order).
  - The same host has the same job in the same O(run).
options:
  folder:
    description: The folder C(imaging) of ictops' state directory.
    type: path
    required: true
  run:
    description: The run that this is part of.
    type: str
    required: true
  ends_at:
    description: When the job's window closes, in ISO 8601 with its offset.
    type: str
    required: true
  site:
    description: The site's code.
    type: str
    required: true
  mac:
    description: The MAC of one of the PC's network cards.
    type: str
    required: true
  standing:
    description: Whether it is done at each boot within the window.
    type: bool
    default: false
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Have it heal itself at its next boot
  ictops.schools.imaging_heal:
    folder: /var/lib/ictops/imaging
    run: "{{ ictops_run }}"
    ends_at: "{{ ictops_ends_at }}"
    site: oakfield
    mac: "{{ host_mac }}"
    image: {name: pc-debian, version: "2026.10", digest: "{{ digest }}"}
    cache: 20000000000
  become: true
"""

RETURN = r"""
id:
  description: The job's id.
  returned: always
  type: str
stage:
  description: V(armed), or V(ended) where the PC has done it already.
  returned: always
  type: str
"""
