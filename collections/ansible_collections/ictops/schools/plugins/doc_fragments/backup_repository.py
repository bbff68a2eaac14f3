# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that reach a repository from a host are all given."""

from __future__ import annotations


class ModuleDocFragment:
    """Ansible's name for a part of modules' documentation."""

    DOCUMENTATION = r"""
options:
  repository:
    description: The repository's name.
    type: str
    required: true
  repository_url:
    description: The repository as restic takes it.
    type: str
    default: "rclone:"
  repository_options:
    description:
      - Restic's extended options. If they are left out, the repository is reached as the role
        C(backup) set the host up.
    type: list
    elements: str
    default:
      - rclone.program=ssh -F /etc/ictops-backup/ssh_config backup-server
      - rclone.timeout=2m
  password_file:
    description: A file with the repository's password, of this host and root's alone.
    type: path
    default: /etc/ictops-backup/password
"""
