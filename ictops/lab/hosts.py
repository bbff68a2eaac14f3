"""Bringing a lab up: a container with systemd and sshd for each host, and a farm of switches."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ictops.errors import LabError
from ictops.estate.load import Cluster, load_cluster
from ictops.estate.models import Host, Site, site_group
from ictops.lab.cluster import Recipe, demo_recipe, make_cluster, recipe_of
from ictops.lab.copy import set_login
from ictops.lab.debian import offer_debian
from ictops.lab.farm.ending import running
from ictops.lab.faults import undo_all
from ictops.lab.image import KEYRING, ensure_image
from ictops.lab.machine import allow_many_hosts, host_flags, one_at_a_time, require
from ictops.lab.model import Lab
from ictops.lab.packages import build_repository
from ictops.lab.pcs.faults import heal_all
from ictops.lab.pcs.school import GROUP as PCS
from ictops.lab.pcs.school import room_of
from ictops.lab.pcs.school import start as start_room
from ictops.lab.podman import containers, own_identity, podman, run
from ictops.lab.remove import remove
from ictops.lab.switches import (
    Owner,
    lab_switches,
    start_switches,
    switch_keys,
    write_farm_of,
    write_switch_login,
)
from ictops.trust.known_hosts import known_hosts_path, pin_keys

BOOT_SECONDS = 60
BOOT_SERVER_FLAGS = [f"--cap-add={one}" for one in ("SYS_ADMIN", "NET_ADMIN", "NET_RAW")]
"""What DHCP and the sandboxes of systemd's units need."""
BOOT_SERVER_PACKAGES = (
    "dnsmasq-base",
    "nginx",
    "openssh-client",
    "python3-cryptography",
    "udpcast",
)
"""Of Debian; those that the role imaging_server installs."""
BACKUP_PACKAGES = ("restic", "rclone", "age", "openssh-client")
"""Those that the roles backup and backup_server install."""
AT_ONCE = 4
"""Containers that are started side by side."""

Say = Callable[[str], None]


def up(
    lab: Lab,
    recipe: Recipe | None = None,
    *,
    fresh: bool = False,
    capabilities: Sequence[str] = (),
    owner: Owner | None = None,
    say: Say = lambda _: None,
) -> None:
    """Bring the lab up, from whatever state it is in; wait until every host's sshd answers.

    :param recipe: what its cluster is made of; None for the one that it has, or else the
        demonstration's schools.
    :param fresh: take away first what is there, and make all of it anew.
    :param capabilities: what a host that is made gets beside podman's own, such as
        ``SYS_ADMIN`` (see capabilities(7)).
    :param owner: the user and group whose process the simulated switches are; None for this one's.
    :raises LabError: if this machine cannot hold it, or a host does not come up.
    """
    require()
    allow_many_hosts(say)
    with one_at_a_time(say):
        had = recipe_of(lab)
        if had is not None and recipe not in {None, had} and not fresh:
            raise LabError(
                f"this lab is {had}; asked for is {recipe}",
                where=lab.name,
                do="--fresh makes it anew, another --name makes one beside it",
            )
        if fresh and remove(lab):
            say("the lab that was there is taken away")
        if had is None or fresh:
            make_cluster(lab, recipe or had or demo_recipe(), say)
        build_repository(lab.packages, lab.keyring)
        image = ensure_image(lab.packages, say)
        cluster, room = cluster_of(lab), room_of(lab)
        _write_login(lab, cluster.sites)
        hosts, switches = lab_hosts(cluster), lab_switches(cluster)
        if switches:
            write_farm_of(lab, cluster)
            write_switch_login(lab)
        for code in cluster.sites:
            _ensure_network(lab, cluster.site(code))
            known = switch_keys(lab, [s for s in switches if s.site == code]) if switches else {}
            _pin_keys(lab, code, [h for h in hosts if h.site == code], known)
        there = containers(lab)
        asleep = [h for h in hosts if not _runs(there, lab.container(h.name))]
        say(_what_starts(len(asleep), 0 if running(lab.farm) else len(switches)))
        make = [*host_flags(), *[f"--cap-add={one}" for one in capabilities]]
        more = {room.server: BOOT_SERVER_FLAGS} if room else {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            farm = pool.submit(start_switches, lab, owner) if switches else None
            list(
                pool.map(
                    lambda host: _start(lab, host, there, [*make, *more.get(host.name, [])], image),
                    hosts,
                )
            )
            if farm is not None:
                farm.result()
        if room is not None:
            server = cluster.find(room.server)
            say(f"giving {server.name} a network of {len(room.pcs)} virtual PCs, which are off")
            start_room(lab, room, server.address or "")
            heal_all(room)
            offer_debian(lab, lab.container(server.name), BOOT_SERVER_PACKAGES, say)
        for host in _backed_up(hosts):
            offer_debian(lab, lab.container(host.name), BACKUP_PACKAGES, say)
    say("waiting until they answer")
    late = wait_for_ssh({host.name: host.address or "" for host in hosts}, BOOT_SECONDS)
    if late:
        raise LabError(
            f"no sshd answers on {', '.join(late)} after {BOOT_SECONDS} s",
            where=lab.name,
            do="'ictops lab up --fresh' makes all hosts anew",
        )


def cluster_of(lab: Lab) -> Cluster:
    """Read the lab's cluster; its index is the lab's too, and goes with it."""
    return load_cluster(lab.folder, lab.own / "cache")


def _backed_up(hosts: Sequence[Host]) -> list[Host]:
    """Give the hosts of sites that have a backup server."""
    sites = {host.site for host in hosts if "backup_servers" in host.groups}
    return [host for host in hosts if host.site in sites]


def lab_hosts(cluster: Cluster) -> list[Host]:
    """Give the hosts of a lab's cluster that are containers."""
    return [
        host
        for host in cluster.all_hosts()
        if host.kind != "switch" and host.address and PCS not in host.groups
    ]


def wait_for_ssh(addresses: Mapping[str, str], seconds: float) -> list[str]:
    """Wait until sshd answers at each host's address; give the hosts where it does not."""
    deadline = time.monotonic() + seconds

    def wait(address: str) -> bool:
        while time.monotonic() < deadline:
            if ssh_answers(address):
                return True
            time.sleep(0.1)
        return False

    with ThreadPoolExecutor(max(1, min(32, len(addresses)))) as pool:
        answers = pool.map(wait, addresses.values())
        return [name for name, up in zip(addresses, answers, strict=True) if not up]


def ssh_answers(address: str, port: int = 22) -> bool:
    """Tell whether an SSH server answers within a second."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


Containers = Mapping[str, Mapping[str, Any]]


def _what_starts(hosts: int, switches: int) -> str:
    counted = ((hosts, "hosts"), (switches, "simulated switches"))
    parts = [f"{count} {what}" for count, what in counted if count]
    return f"starting {' and '.join(parts)}" if parts else "every host runs; undoing their faults"


def _runs(there: Containers, name: str) -> bool:
    return there.get(name, {}).get("State") == "running"


def _start(lab: Lab, host: Host, there: Containers, flags: Sequence[str], image: str) -> None:
    """Have a host run, with no fault left on it."""
    name = lab.container(host.name)
    if _runs(there, name):
        undo_all(int(there[name]["Pid"]), name)
    elif there.get(name, {}).get("State") in {"exited", "stopped"}:
        podman("start", name)
    else:  # missing, or cut off in the middle of its making
        _make(lab, host, flags, image)
    own_identity(name)


def _make(lab: Lab, host: Host, flags: Sequence[str], image: str) -> None:
    podman(
        "run", "--detach", "--replace", *flags,
        "--name", lab.container(host.name), "--hostname", host.name,
        "--label", lab.label, "--label", f"ictops.host={host.name}",
        "--network", lab.network(host.site), "--ip", host.address or "",
        "--mac-address", host.mac or "",
        "--volume", f"{lab.own / 'hosts' / host.name}:/etc/ssh/lab:ro",
        "--volume", f"{lab.packages}:/srv/lab-packages:ro",
        "--volume", f"{lab.keyring}:{KEYRING}:ro",
        # A disk of its own for downloads, small enough to be filled by 'lab fault'.
        "--mount", "type=tmpfs,destination=/var/cache,tmpfs-size=67108864",
        image, "/sbin/init",
    )  # fmt: skip


def _ensure_network(lab: Lab, site: Site) -> None:
    name = lab.network(site.code)
    if run(["podman", "network", "exists", name]).returncode == 0:
        return
    subnets: Sequence[object] = site.variables["site_subnets"]  # type: ignore[assignment]
    words = ("--label", lab.label, "--disable-dns", "--subnet", str(subnets[0]))
    try:
        podman("network", "create", *words, name)
    except LabError as error:
        do = "If something else has taken it, 'ictops lab up --fresh' takes others"
        raise LabError(error.what, where=f"{site.code} {subnets[0]}", do=do) from error


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


def _pin_keys(lab: Lab, site: str, hosts: Iterable[Host], switches: Mapping[str, set[str]]) -> None:
    """Give each host a key of its own and pin it: who makes a host's key may trust it.

    :param switches: the keys of the site's switches, by address.
    """
    known = dict(switches)
    _make_key(lab.key)
    authorized = Path(f"{lab.key}.pub").read_text()
    for host in hosts:
        folder = lab.own / "hosts" / host.name
        folder.mkdir(parents=True, exist_ok=True)
        _make_key(folder / "ssh_host_ed25519_key")
        (folder / "authorized_keys").write_text(authorized)
        public = (folder / "ssh_host_ed25519_key.pub").read_text().split()
        known[host.address or host.name] = {" ".join(public[:2])}
    pin_keys(known_hosts_path(lab.folder, site), known)


def _write_login(lab: Lab, sites: Iterable[str]) -> None:
    """Tell Ansible how to log in to the lab's hosts, and to no others.

    Nothing here is a template: Ansible would work it out again for each task of each host.
    """
    key = str(lab.key)
    login = {"ansible_user": "ictops", "ansible_become": True, "ansible_ssh_private_key_file": key}
    set_login(lab.folder, "all", login)
    for code in sites:
        pins = shlex.quote(str(known_hosts_path(lab.folder, code)))
        args = f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={pins}"
        set_login(lab.folder, site_group(code), {"ansible_ssh_common_args": args})
