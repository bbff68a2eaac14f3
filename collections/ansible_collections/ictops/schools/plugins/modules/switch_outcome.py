#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One switch's own result of what was done to all at once; the action does it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: switch_outcome
short_description: Give a switch its own result of what was done to all at once
description:
  - Ends as the switch did, changed, failed or unreachable, so that failures, limits and
    counts are as for any other host. It talks to nobody.
options:
  outcomes:
    description: By host, what came of it, from an action that works on all switches of a play.
    type: dict
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Take this switch's own result
  ictops.schools.switch_outcome:
    outcomes: "{{ asked.switches }}"
"""

RETURN = r"""
msg:
  description: What there is to say of this switch.
  returned: always
  type: str
"""
