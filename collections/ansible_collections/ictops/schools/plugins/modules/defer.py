#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host is left for later, and goes through no play that follows; an action."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: defer
short_description: Leave a host for later
description:
  - Ends the host's part in this and all plays that follow, as a failure does. A run of ictops
    counts it as C(deferred), and tries it again in its time.
options:
  msg:
    description: Why, for a person.
    type: str
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Leave it for later
  ictops.schools.defer:
    msg: it is not switched on
"""

RETURN = r"""
ictops_outcome:
  description: Always V(deferred).
  returned: always
  type: str
"""
