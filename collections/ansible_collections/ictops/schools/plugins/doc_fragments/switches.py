# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that ask a whole batch of switches have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every such module."""

    DOCUMENTATION = r"""
options:
  at_once:
    description: Sessions at once in all.
    type: int
    default: 50
  at_once_a_site:
    description: Sessions at once at any one site.
    type: int
    default: 20
"""
