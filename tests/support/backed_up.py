"""A school of the lab with a backup server and a host that is backed up there."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ictops.lab.cluster import Recipe
from tests.support.lab import Workspace, need_lab, workspace_of

HOST, SERVER, OTHER = "lab001-ws-01", "lab001-srv-01", "lab001-ws-02"
PACKAGES = ("restic", "rclone", "age")
"""The lab's hosts know one package source, which has none of these."""
SETS = [
    {"name": "homes", "class": "pupils", "kind": "folders", "paths": ["/home/pupils"]},
    {"name": "settings", "class": "system", "kind": "folders", "paths": ["/etc/school"]},
]


@dataclass(frozen=True)
class BackedUp:
    """The school as tests use it."""

    work: Workspace

    def ictops(self, *words: str, code: int = 0) -> str:
        return self.work.ictops(*words, code=code)

    def json(self, *words: str, code: int = 0) -> Any:
        return self.work.json(*words, code=code)

    def on(self, host: str, script: str) -> str:
        """Run a script on a host, behind Ansible's back."""
        return self.work.on(host, "sh", "-euc", script)

    def has(
        self, path: str, text: str, owner: str = "pupil", mode: str = "640", host: str = HOST
    ) -> str:
        """Write a file on a host that is backed up; give its SHA-256."""
        self.on(
            host,
            f"mkdir -p '{Path(path).parent}'; printf %s '{text}' > '{path}'; "
            f"chown {owner}:{owner} '{path}'; chmod {mode} '{path}'",
        )
        return self.digest(path, host)

    def digest(self, path: str, host: str = HOST) -> str:
        return self.on(host, f"sha256sum < '{path}'").split()[0]

    def state(self, path: str, host: str = HOST) -> tuple[str, str]:
        """Give a file's owner and mode."""
        owner, mode = self.on(host, f"stat -c '%U %a' '{path}'").split()
        return owner, mode

    @property
    def journal_url(self) -> str:
        return f"sqlite:///{self.work.folder}/state/journal.db"

    def as_person(self, name: str, *words: str, code: int = 0) -> str:
        """Run ictops as somebody else at this machine."""
        done = subprocess.run(
            self.work.command(*words), cwd=self.work.folder, text=True, check=False,
            env={**self.work.environment, "SUDO_USER": name}, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=self.work.seconds,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def repository(self) -> str:
        """Give where the school's repository lies on its server."""
        found = self.on(SERVER, "find / -xdev -type d -name data -path '*repositories*'").split()
        (folder,) = [Path(one).parent for one in found]
        return str(folder)


@contextmanager
def school_of(folder: Path) -> Iterator[BackedUp]:
    """A lab with one school, set up for backups by the roles, while this lasts."""
    need_lab()
    with workspace_of(folder, Recipe(sites=1, workstations=2)) as work:
        made = BackedUp(work)
        _install(work, folder)
        _describe(work)
        for host in (HOST, OTHER):
            made.on(host, "useradd --create-home pupil")
        made.has("/home/pupils/ann/essay.odt", "my essay, first version")
        made.has("/home/pupils/ben/a [1] *.txt", "signs in its name")
        made.has("/etc/school/settings", "a setting", owner="root", mode="600")
        made.has("/home/pupils/eve/work.txt", "at another host", host=OTHER)
        for playbook, limit in (
            ("backup_server.yml", "backup_servers"),
            ("backup_hosts.yml", f"{HOST},{OTHER}"),
        ):
            plan = f"plan-{secrets.token_hex(3)}.yml"
            made.ictops(
                "plan", "playbook", playbook, "--limit", limit, "--canary", "none",
                "--shares", "100%", "--in", "christmas", "-o", plan,
            )  # fmt: skip
            made.ictops("apply", plan, "--now", "--reason", "a test")
        yield made


def _describe(work: Workspace) -> None:
    cluster = work.folder / "inventories" / "t"
    path = cluster / "lab001.yml"
    tree = yaml.safe_load(path.read_text())
    tree["backup_servers"] = {"hosts": {SERVER: None}}
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    for name, said in {
        HOST: {"backup_sets": SETS},
        OTHER: {"backup_sets": SETS[:1]},
    }.items():
        file = cluster / "host_vars" / f"{name}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(said))
    password = cluster / "group_vars" / "all" / "zz-backup.yml"
    password.write_text(
        yaml.safe_dump({"backup_password": secrets.token_urlsafe(24), "backup_keep_leavers": "P7Y"})
    )
    password.chmod(0o600)


def _install(work: Workspace, folder: Path) -> None:
    """Install Debian's packages on the hosts, from this machine's own package source."""
    packages = folder / "packages"
    packages.mkdir()
    subprocess.run(
        ["apt-get", "download", *PACKAGES], cwd=packages, check=True, capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    for host in (HOST, OTHER, SERVER):
        name = work.lab.container(host)
        subprocess.run(["podman", "cp", str(packages), f"{name}:/packages"], check=True)
        work.on(host, "sh", "-c", "dpkg --install /packages/*.deb && rm -r /packages")
