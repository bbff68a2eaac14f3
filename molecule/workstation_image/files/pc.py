#!/usr/bin/env python3
"""A PC whose disk is a container of the lab: it boots into its job, and comes up as another system.

It waits until its container is down, claims its job at the real imaging service, tells how far it
is, makes itself new SSH host keys, and puts the job's files into the container in the place of
writing an image. One that is captured sends what it was given. Then it is switched on again.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

MEGA = 1_000_000


class Agent(http.client.HTTPConnection):
    """Speaks to the service's socket for agents, in the boot server's own files."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path
        self._token = ""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))

    def say(self, what: str, message: dict | bytes) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        body = message if isinstance(message, bytes) else json.dumps(message)
        self.request("POST", f"/v1/{what}", body, headers)
        answer = self.getresponse()
        told = json.loads(answer.read())
        self.close()
        return answer.status, told

    def claim(self, mac: str, uuid: str, disk: int) -> dict:
        """Ask for a job until there is one."""
        seen = {"path": "/dev/vda", "serial": "LAB-1", "model": "a container", "size": disk}
        seen |= {"transport": "virtio", "rotational": False, "removable": False}
        hardware = {"vendor": "ictops", "model": "Lab PC", "serial": "PC-1", "firmware": "uefi"}
        hardware |= {"secure_boot": True, "memory": 2**30, "disks": [seen], "macs": [mac]}
        while True:
            status, told = self.say("claim", {"mac": mac, "uuid": uuid, "hardware": hardware})
            if status == http.client.OK:
                self._token = told["token"]
                return json.loads(told["job"])
            time.sleep(0.3)

    def tell(self, what: str, **message: object) -> None:
        status, told = self.say(what, message)
        if status != http.client.OK:
            raise SystemExit(f"{what}: {status} {told}")


def captured(folder: Path | None) -> tuple[dict, list[bytes]]:
    """Give what is sent of the PC's disk: as a boot server has kept it, or next to nothing."""
    if folder is None:
        piece = b"the index of a disk"
        name = hashlib.blake2b(piece, digest_size=32).hexdigest()
        return {"disk": 4096, "index": [name]}, [piece]
    pieces = (folder / "pieces").read_bytes()
    lines = [line.split() for line in (folder / "listed").read_text().splitlines()]
    cut = [pieces[int(at) : int(at) + int(size)] for _, at, size in lines]
    return json.loads((folder / "captured.json").read_text()), cut


def send(agent: Agent, folder: Path | None) -> None:
    """Send what was captured, as far as it is lacking."""
    said, pieces = captured(folder)
    names = {hashlib.blake2b(one, digest_size=32).hexdigest(): one for one in pieces}
    _, lacking = agent.say("have", {"pieces": list(names)})
    for name in lacking["pieces"]:
        status, told = agent.say(f"piece/{name}", names[name])
        if status != http.client.OK:
            raise SystemExit(f"{name}: {status} {told}")
    agent.tell("captured", **said)


def podman(*words: str) -> str:
    done = subprocess.run(["podman", *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def put(container: str, path: str, text: str, mode: int) -> None:
    """Put a file into a container that is down."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        Path(file.name).chmod(mode)
        podman("cp", file.name, f"{container}:{path}")


def new_host_key(folder: Path) -> str:
    """Make a new host key in the folder that the container's sshd reads, give its public half."""
    key = folder / "ssh_host_ed25519_key"
    for old in (key, key.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(words, check=True)
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def main() -> None:
    """Be the PC, once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--container", required=True)
    parser.add_argument("--server", required=True, help="the boot server's container")
    parser.add_argument("--mac", required=True)
    parser.add_argument("--keys", type=Path, required=True, help="the folder of its host keys")
    parser.add_argument("--uuid", default="11111111-2222-3333-4444-555555555555")
    parser.add_argument("--disk", type=int, default=64 * 10**9)
    parser.add_argument("--job", type=Path, help="where the job is written that it was given")
    parser.add_argument("--captured", type=Path, help="what it sends of its disk")
    parser.add_argument("--hold", type=Path, help="go on only when this file is there")
    parser.add_argument("--fault", help="fail with this kind of fault")
    parser.add_argument("up", nargs="+", help="the command that switches it on again")
    given = parser.parse_args()
    podman("wait", given.container)
    root = Path("/proc", podman("inspect", "--format", "{{.State.Pid}}", given.server), "root")
    agent = Agent(root / "run/ictops-imaging/agent.sock")
    job = agent.claim(given.mac, given.uuid, given.disk)
    if given.job:
        given.job.write_text(json.dumps(job))
    agent.tell("progress", step="looking")
    if given.fault:
        agent.tell("end", outcome="failed", fault=given.fault, message="it was told to fail")
        return
    for done in range(0, 401, 50):
        agent.tell(
            "progress", step="fetching", done=done * MEGA, total=400 * MEGA, rate=80.0 * MEGA
        )
        time.sleep(0.5)
        while given.hold and done >= 100 and not given.hold.exists():  # noqa: PLR2004
            time.sleep(0.1)
    agent.tell("progress", step="adapting")
    if job["adapt"]:
        for file in job["adapt"]["files"]:
            put(given.container, file["path"], file["text"], file["mode"])
        agent.tell("host-keys", keys=[new_host_key(given.keys)])
    elif job["kind"] == "capture":
        send(agent, given.captured)
    agent.tell("end", outcome="done", fetched=400 * MEGA, written=400 * MEGA)
    if job["then"] == "reboot":
        subprocess.run(given.up, check=True)


if __name__ == "__main__":
    main()
