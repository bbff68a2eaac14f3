#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Switches as a backup holds them; the action of the same name does it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: switch_restore
short_description: Make every switch of the play what a backup holds of it, from one process
description:
  - Compares what runs on each switch with what ran when a backup was committed, and makes it
    the same again under the switch's own dead-man switch.
  - Runs on the control box, once for all switches (C(run_once)). It does not fail for a switch
    that fails; M(ictops.schools.switch_outcome) gives each host its own result.
options:
  folder:
    description: The repository of the backups. A fresh one is made before each change.
    type: path
    required: true
  at:
    description: The commit of the backup.
    type: str
    required: true
  minutes:
    description: After which a switch takes a change back that is not confirmed, 1 to 59.
    type: int
    default: 5
  may_touch_path:
    description: Whether a change may touch the path by which the switch is reached.
    type: bool
    default: false
  may_lose_neighbours:
    description: Whether a neighbour that was heard before may be gone after the change.
    type: bool
    default: false
  save:
    description: Whether to store what runs once it is found right.
    type: bool
    default: true
  commit:
    description: Whether to commit the backups from after the change; those from before always are.
    type: bool
    default: true
extends_documentation_fragment:
  - ictops.schools.switches
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Bring every switch back
  ictops.schools.switch_restore:
    folder: /srv/backups/switches
    at: 3f2a91c0
  run_once: true
  register: asked
"""

RETURN = r"""
switches:
  description: By host, what came of it, as M(ictops.schools.switch_outcome) takes it.
  returned: always
  type: dict
commit:
  description: The commit that was made; null if nothing has changed, or none was asked for.
  returned: always
  type: str
"""
