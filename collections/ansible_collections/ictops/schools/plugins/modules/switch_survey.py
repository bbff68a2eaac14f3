#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the switches of a play hear and have; the action of the same name asks them."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: switch_survey
short_description: Ask every switch of the play for its neighbours and ports, from one process
description:
  - Logs in to all switches of the play in threads, asks each for its neighbours (LLDP, else CDP)
    and its ports, and writes a JSON file a switch. Nothing is changed on a switch.
  - Runs on the control box, once for all switches (C(run_once)). It does not fail for a switch
    that fails; M(ictops.schools.switch_outcome) gives each host its own result.
options:
  folder:
    description: Where the files are put, in a folder a site; it is made if it is not there.
    type: path
    required: true
extends_documentation_fragment:
  - ictops.schools.switches
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Ask every switch
  ictops.schools.switch_survey:
    folder: /srv/surveys
  run_once: true
  register: asked
"""

RETURN = r"""
switches:
  description: By host, what came of it, as M(ictops.schools.switch_outcome) takes it.
  returned: always
  type: dict
"""
