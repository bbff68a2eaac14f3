#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts a backup server lets in, and to what."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.backup_host import NAME

DOCUMENTATION = r"""
---
module: backup_key
short_description: Let a host into its repository on a backup server, or no longer
description:
  - Runs on the backup server, as root. Keeps one line a host in the file of keys, which lets it
    add to one repository by C(rclone serve restic --append-only) and do nothing else.
  - Takes a lock, as many hosts are set up at once.
options:
  host:
    description: How the host is called in the inventory.
    type: str
    required: true
  key:
    description: Its public key.
    type: str
  repository:
    description: The repository's name.
    type: str
  folder:
    description: Where the repositories are.
    type: path
    default: /srv/ictops-backup/repositories
  file:
    description: The file of keys, which the account cannot change.
    type: path
    default: /var/lib/ictops-backup/.ssh/authorized_keys
  state:
    description: Whether the host is let in.
    type: str
    choices: [present, absent]
    default: present
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Let the host add to its school's repository
  ictops.schools.backup_key:
    host: oak-srv-01
    key: ssh-ed25519 AAAA...
    repository: oakfield
  become: true
"""

RETURN = r"""
"""

KEY = re.compile(r"(ssh-ed25519) ([A-Za-z0-9+/]+={0,2})(?: [^\n]*)?\n?\Z")
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")


def line_of(host: str, key: str, repository: str, folder: str) -> str:
    """Give the line of a host.

    :raises ValueError: if something in it could be taken for something else.
    """
    found = KEY.match(key)
    if found is None:
        raise ValueError("its public key is none of ssh-ed25519")
    if not NAME.match(repository):
        raise ValueError(f"{repository!r} is no name of a repository")
    command = shlex.join([
        "rclone", "serve", "restic", "--stdio", "--append-only", "--config", "/dev/null",
        f"{folder}/{repository}",
    ])  # fmt: skip
    if '"' in command or "\\" in command or "\n" in command:
        raise ValueError(f"{folder!r} has signs that a file of keys cannot have")
    kind, data = found.groups()
    return f'restrict,command="{command}" {kind} {data} {mark_of(host)}'


def mark_of(host: str) -> str:
    """Give the comment by which the line of a host is known.

    :raises ValueError: if it is no host's name.
    """
    if not HOST.match(host):
        raise ValueError(f"{host!r} is no name of a host")
    return f"ictops:{host}"


def with_line(text: str, mark: str, line: str) -> str:
    """Give the file with this one line of a host, or with none if it is empty."""
    lines = text.splitlines()
    own = [at for at, one in enumerate(lines) if one.split()[-1:] == [mark]]
    kept = [one for at, one in enumerate(lines) if at not in own]
    if line:
        kept.insert(own[0] if own else len(kept), line)
    return "".join(f"{one}\n" for one in kept)


def write(file: Path, text: str) -> None:
    """Put the file there whole, for all to read and root to change."""
    number, half = tempfile.mkstemp(dir=file.parent, prefix=".authorized_keys-")
    with os.fdopen(number, "w", encoding="utf-8") as new:
        os.fchown(number, 0, 0)
        os.fchmod(number, 0o644)
        new.write(text)
        new.flush()
        os.fsync(number)
    Path(half).replace(file)


def main() -> None:
    """Let in, or out."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "key": {"type": "str", "no_log": False},
            "repository": {"type": "str"},
            "folder": {"type": "path", "default": "/srv/ictops-backup/repositories"},
            "file": {"type": "path", "default": "/var/lib/ictops-backup/.ssh/authorized_keys"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ("key", "repository"))],
        supports_check_mode=True,
    )
    given = module.params
    file, wanted = Path(given["file"]), given["state"] == "present"
    try:
        mark = mark_of(given["host"])
        line = line_of(given["host"], given["key"], given["repository"], given["folder"]) \
            if wanted else ""  # fmt: skip
    except ValueError as error:
        module.fail_json(msg=str(error))
    if not file.parent.is_dir():
        if wanted and not module.check_mode:
            module.fail_json(msg=f"{file.parent} is not there: set the backup server up first, "
                                 "with playbooks/backup_server.yml")  # fmt: skip
        module.exit_json(changed=wanted)
    own_lock = Path(os.devnull if module.check_mode else f"{file}.lock")
    with own_lock.open("a", encoding="utf-8") as lock:
        if not module.check_mode:
            fcntl.flock(lock, fcntl.LOCK_EX)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = with_line(before, mark, line)
        if before != after and not module.check_mode:
            write(file, after)
    own = "".join(f"{one}\n" for one in before.splitlines() if one.split()[-1:] == [mark])
    shown = {"before_header": str(file), "after_header": str(file), "before": own,
             "after": f"{line}\n" if line else ""}  # fmt: skip
    module.exit_json(changed=before != after, diff=shown)


if __name__ == "__main__":
    main()
