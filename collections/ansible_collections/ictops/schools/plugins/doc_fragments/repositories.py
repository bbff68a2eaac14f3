# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that all modules have which work on the repositories of a backup server."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by Ansible's documentation."""

    DOCUMENTATION = r"""
options:
  repositories:
    description: The server's repositories, as the role C(backup_server) knows them.
    type: dict
    required: true
    suboptions:
      names: {description: Their names., type: list, elements: str, required: true}
      folder: {description: Where they are., type: path, required: true}
      settings: {description: Where their passwords are., type: path, required: true}
      account: {description: Who their files belong to., type: str, required: true}
      patience:
        description: Seconds to wait while somebody else needs a repository.
        type: int
        default: 1800
      copy_to: {description: "Where their copies are, as restic says it.", type: str, default: ""}
      copy_forgets:
        description: Whether what need not be kept is deleted there, too.
        type: bool
        default: true
      copy_options: {description: Options of restic., type: list, elements: str, default: []}
      copy_environment: {description: What its backend needs., type: dict, default: {}}
"""
