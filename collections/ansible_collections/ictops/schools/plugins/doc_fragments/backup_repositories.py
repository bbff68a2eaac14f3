# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that look after a backup server's repositories have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of every such module."""

    DOCUMENTATION = r"""
options:
  repositories:
    description: The names of the server's repositories; the role C(backup_server) knows them.
    type: list
    elements: str
    required: true
  folder:
    description: Where repositories are kept, each under its name in C(repositories).
    type: path
    default: /srv/ictops-backup
  settings:
    description:
      - A folder of root's alone with, of each repository, its password and what is to be known of
        its second copy.
    type: path
    default: /etc/ictops-backup-server
  state:
    description: A folder of root's alone, in which the server notes what became of copies and keys.
    type: path
    default: /var/lib/ictops-backup-server
  cache:
    description: The folder of restic's cache, for what lies elsewhere.
    type: path
    default: /var/cache/ictops-backup
  account:
    description: The account that repositories belong to; empty for whoever runs this.
    type: str
    default: ictops-backup
  patience:
    description: Seconds to wait for a repository that somebody else uses.
    type: int
    default: 3600
"""
