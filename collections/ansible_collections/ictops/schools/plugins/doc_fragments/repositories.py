# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that all modules have which work on the repositories of a backup server."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by Ansible's documentation."""

    DOCUMENTATION = r"""
options:
  repositories:
    description: The server's repositories, as the role C(backup_server) knows them.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Its name., type: str, required: true}
      url: {description: Where it is., type: path, required: true}
      password_file: {description: Holds its password., type: path, required: true}
      escrow_file: {description: Holds a key of it for emergencies., type: path, required: true}
      account: {description: Who its files belong to., type: str, default: ""}
      copy:
        description: Its second copy.
        type: dict
        suboptions:
          url: {description: "Where it is, as restic says it.", type: str, required: true}
          password_file: {description: Holds its password., type: path, required: true}
          environment: {description: What its backend needs., type: dict, default: {}}
          options: {description: Options of restic., type: list, elements: str, default: []}
"""
