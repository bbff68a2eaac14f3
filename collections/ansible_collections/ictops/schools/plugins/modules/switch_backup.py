#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the switches of a play say of themselves; the action of the same name does it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: switch_backup
short_description: Back up every switch of the play, from one process
description:
  - Logs in to all switches of the play in threads, asks each for its configurations, versions
    and neighbours, and puts them into a git repository, secrets masked.
  - Runs on the control box, once for all switches (C(run_once)). It does not fail for a switch
    that fails; M(ictops.schools.switch_outcome) gives each host its own result.
options:
  folder:
    description: The repository; it is made if it is not there.
    type: path
    required: true
  commit:
    description: Whether to commit what changed.
    type: bool
    default: true
extends_documentation_fragment:
  - ictops.schools.switches
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Ask every switch
  ictops.schools.switch_backup:
    folder: /srv/backups/switches
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
