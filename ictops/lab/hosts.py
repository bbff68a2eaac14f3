"""Bringing a lab up and taking it away: a container with systemd and sshd for each host."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from ictops.errors import LabError
from ictops.estate.load import Cluster
from ictops.estate.models import Host, Site
from ictops.lab.image import ensure_image
from ictops.lab.packages import build_repository
from ictops.lab.podman import (
    LABEL,
    allow_many_hosts,
    containers,
    host_flags,
    own_identity,
    podman,
    require,
    run,
)
from ictops.trust.known_hosts import known_hosts_path, write_known

BOOT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab: its name, and where its keys and packages are."""

    name: str
    folder: Path

    def container(self, host: str) -> str:
        """Give the container's name of a host."""
        return f"ictops-{self.name}-{host}"

    def network(self, site: str) -> str:
        """Give the podman network's name of a site."""
        return f"ictops-{self.name}-{site}"

    @property
    def key(self) -> Path:
        """The private key with which the lab's hosts let ictops in."""
        return self.folder / "id_ed25519"

    @property
    def packages(self) -> Path:
        """The lab's package repository."""
        return self.folder / "packages"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A lab host as it is now."""

    host: str
    site: str
    address: str
    state: str
    """podman's word: ``running``, ``exited``, …, or ``missing``."""
    ssh: bool
    """Whether its sshd answers."""


def lab_hosts(cluster: Cluster) -> list[Host]:
    """Give the hosts that the lab can hold: Linux ones with an address."""
    return [h for h in cluster.all_hosts() if h.system == "linux" and h.address is not None]


def up(
    lab: Lab,
    cluster: Cluster,
    *,
    fresh: bool = False,
    capabilities: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Bring the lab up, from whatever state it is in; wait until every host's sshd answers.

    :param capabilities: what a host that is made gets beside podman's own, such as
        ``SYS_ADMIN`` (see capabilities(7)).
    :raises LabError: if this machine cannot hold it, or a host does not come up.
    """
    require()
    allow_many_hosts()
    if fresh:
        say("taking away the lab that was there")
        _remove_containers(lab)
    lab.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    say("building packages")
    build_repository(lab.packages)
    say("building the hosts' image (once, about half a minute)")
    image = ensure_image(lab.packages)
    _make_key(lab.key)
    hosts = lab_hosts(cluster)
    for code in {host.site for host in hosts}:
        _ensure_network(lab, cluster.site(code))
        _pin_keys(lab, cluster, code, [h for h in hosts if h.site == code])
    _write_settings(lab, cluster)
    say(f"starting {len(hosts)} hosts")
    there = {c["Names"][0]: c["State"] for c in containers(lab.name)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda host: _start(lab, host, image, there, capabilities), hosts))
    say("waiting for sshd")
    late = wait_for_ssh([host.address for host in hosts if host.address], BOOT_SECONDS)
    if late:
        raise LabError(f"no sshd answers at {', '.join(late)}", do="'ictops lab up --fresh'")


def down(lab: Lab, cluster: Cluster | None) -> None:
    """Take away every container, network and file of the lab."""
    require()
    _remove_containers(lab)
    form = ("--filter", f"label={LABEL}={lab.name}", "--format", "{{.Name}}")
    for network in podman("network", "ls", *form).splitlines():
        podman("network", "rm", "--force", network)
    if cluster is not None:
        _settings_file(cluster).unlink(missing_ok=True)
        for code in cluster.sites:
            known_hosts_path(cluster.folder, code).unlink(missing_ok=True)
    shutil.rmtree(lab.folder, ignore_errors=True)


def status(lab: Lab, cluster: Cluster) -> list[HostStatus]:
    """Give how each host of the lab is."""
    there = {c["Names"][0]: c["State"] for c in containers(lab.name)}
    found = []
    for host in lab_hosts(cluster):
        state = there.get(lab.container(host.name), "missing")
        ssh = state == "running" and _ssh_answers(host.address or "")
        found.append(HostStatus(host.name, host.site, host.address or "", state, ssh))
    return found


def wait_for_ssh(addresses: Sequence[str], seconds: float) -> list[str]:
    """Wait until sshd answers at each address; give those where it does not in time."""
    deadline = time.monotonic() + seconds

    def wait(address: str) -> bool:
        while time.monotonic() < deadline:
            if _ssh_answers(address):
                return True
            time.sleep(0.1)
        return False

    with ThreadPoolExecutor(max(1, min(32, len(addresses)))) as pool:
        return [a for a, up in zip(addresses, pool.map(wait, addresses), strict=True) if not up]


def _ssh_answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _start(
    lab: Lab, host: Host, image: str, there: dict[str, str], capabilities: Sequence[str]
) -> None:
    name = lab.container(host.name)
    state = there.get(name)
    if state == "running":
        return
    if state is not None:
        podman("start", name)
        own_identity(name)
        return
    mac = ("--mac-address", host.mac) if host.mac else ()
    podman(
        "run", "--detach", *host_flags(), *[f"--cap-add={one}" for one in capabilities],
        "--name", name, "--hostname", host.name,
        "--label", f"{LABEL}={lab.name}", "--label", f"ictops.host={host.name}",
        "--network", lab.network(host.site), "--ip", host.address or "", *mac,
        "--volume", f"{lab.folder / 'hosts' / host.name}:/etc/ssh/lab:ro",
        "--volume", f"{lab.packages}:/srv/lab-packages:ro",
        # A disk of its own for downloads, small enough to be filled by 'lab fault'.
        "--mount", "type=tmpfs,destination=/var/cache,tmpfs-size=67108864",
        image, "/sbin/init",
    )  # fmt: skip
    own_identity(name)


def _remove_containers(lab: Lab) -> None:
    names = [c["Names"][0] for c in containers(lab.name)]
    if names:
        podman("rm", "--force", "--time", "0", *names)


def _ensure_network(lab: Lab, site: Site) -> None:
    name = lab.network(site.code)
    if run(["podman", "network", "exists", name]).returncode == 0:
        return
    subnets = site.variables.get("site_subnets")
    if not isinstance(subnets, list) or not subnets:
        raise LabError("the site has no site_subnets", where=site.code)
    label = f"{LABEL}={lab.name}"
    podman("network", "create", "--label", label, "--subnet", str(subnets[0]), name)


def _make_key(path: Path) -> None:
    if path.is_file():
        return
    import asyncssh  # noqa: PLC0415 - slow to import

    key = asyncssh.generate_private_key("ssh-ed25519", comment="ictops lab")
    fresh = path.with_suffix(".part")
    fresh.touch(mode=0o600)
    key.write_private_key(str(fresh))
    key.write_public_key(f"{path}.pub")
    fresh.rename(path)


def _pin_keys(lab: Lab, cluster: Cluster, site: str, hosts: Iterable[Host]) -> None:
    """Give each host a key of its own and pin it: who makes a host's key may trust it."""
    known: dict[str, set[str]] = {}
    authorized = Path(f"{lab.key}.pub").read_text()
    for host in hosts:
        folder = lab.folder / "hosts" / host.name
        folder.mkdir(parents=True, exist_ok=True)
        _make_key(folder / "ssh_host_ed25519_key")
        (folder / "authorized_keys").write_text(authorized)
        public = (folder / "ssh_host_ed25519_key.pub").read_text().split()
        known[host.address or host.name] = {" ".join(public[:2])}
    write_known(known_hosts_path(cluster.folder, site), known)


def _settings_file(cluster: Cluster) -> Path:
    return cluster.folder / "group_vars" / "all" / "lab.yml"


def _write_settings(lab: Lab, cluster: Cluster) -> None:
    """Tell Ansible how to log in; this file is the lab's, and goes with it."""
    settings = {
        "ansible_user": "ictops",
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(lab.key.resolve()),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=yes -o UserKnownHostsFile="
        "{{ inventory_dir }}/known_hosts/{{ group_names | select('match', '^site_') | first"
        " | regex_replace('^site_', '') | replace('_', '-') }}",
    }
    path = _settings_file(cluster)
    fresh = path.with_suffix(".part")
    text = "# Written by 'ictops lab up', taken away by 'ictops lab down'.\n"
    fresh.write_text(text + yaml.safe_dump(settings, width=1000))
    fresh.rename(path)
