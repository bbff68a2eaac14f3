# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repository of a backup as the host reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository

REPOSITORY = {
    "type": "dict",
    "required": True,
    "options": {
        "url": {"type": "str", "required": True},
        "password_file": {"type": "path", "required": True},
        "options": {"type": "list", "elements": "str", "default": []},
    },
}
"""The argument of every module that backs a host up or brings something back."""


def reached(given: Mapping[str, Any]) -> Repository:
    """Give the repository that an argument names."""
    return Repository(given["url"], given["password_file"], tuple(given["options"]))
