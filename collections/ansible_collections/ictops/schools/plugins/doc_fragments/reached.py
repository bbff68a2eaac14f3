# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The argument that the modules share which reach a repository from a host."""

from __future__ import annotations


class ModuleDocFragment:
    """What Ansible reads it from."""

    DOCUMENTATION = r"""
options:
  repository:
    description: The repository as this host reaches it; the role C(backup) gives it.
    type: dict
    required: true
    suboptions:
      url: {description: As restic says it., type: str, required: true}
      password_file: {description: Holds its password., type: path, required: true}
      options: {description: Options of restic., type: list, elements: str, default: []}
"""
