#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the switches of a play are to have; the action of the same name does it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: switch_config
short_description: Compare or change every switch of the play, from one process
description:
  - Gives each switch's variables to its platform's template, asks the switch what it runs, and
    sends what differs, so that it goes back by itself if ictops cannot come in again.
  - Runs on the control box, once for all switches (C(run_once)). It does not fail for a switch
    that fails; M(ictops.schools.switch_outcome) gives each host its own result.
  - Check mode logs in and compares, and changes nothing.
options:
  role:
    description: The folder of the role switch_config, whose variables each switch has.
    type: path
    required: true
  folder:
    description: The git repository of the backups.
    type: path
    required: true
  commit:
    description: Whether to commit the backups from after a change; those from before always are.
    type: bool
    default: true
extends_documentation_fragment:
  - ictops.schools.switches
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Compare or change every switch
  ictops.schools.switch_config:
    role: "{{ role_path }}"
    folder: /srv/backups/switches
  run_once: true
  register: asked
"""

RETURN = r"""
switches:
  description:
    - By host, what came of it, as M(ictops.schools.switch_outcome) takes it. Secrets are masked.
  returned: always
  type: dict
  contains:
    difference:
      description: The lines of what runs and what is wanted, with C(-) and C(+) before them.
      type: list
      elements: str
    commands:
      description: What was sent, or would be.
      type: list
      elements: str
    unsaved:
      description: Whether what ran was not stored, so that a reboot would undo it.
      type: bool
    unsaved_difference:
      description: How what was stored differs from what ran.
      type: list
      elements: str
    configuration:
      description: C(old) or C(new), whichever the switch ended with; only after a change.
      type: str
    method:
      description: How the switch would have gone back by itself; only after a change.
      type: str
commit:
  description: The commit that was made; null if nothing has changed, or none was asked for.
  returned: always
  type: str
"""
