"""A room: a boot server and PCs in network namespaces of their own, on one switch."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ictops.imaging.wire.index import ImageIndex, Pack, Piece
from ictops.imaging.wire.words import digest_of

SERVER = "10.99.0.1"
REPO = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds after which a test gives up; what is tried takes some."""


def need_room() -> None:
    """Skip the test, saying what is missing, where no room can be; but never in CI."""
    missing = [name for name in ("udp-sender", "ip", "nft", "bridge") if not shutil.which(name)]
    missing += ["root"] * (os.getuid() != 0)
    if missing:
        why = f"no room on this machine: needs {', '.join(missing)} (packages udpcast, nftables)"
        if os.environ.get("CI"):
            raise RuntimeError(why)
        pytest.skip(why)


@dataclass(frozen=True)
class Image:
    """Packs of noise, and their index."""

    index: ImageIndex
    folder: Path

    @property
    def whole(self) -> bytes:
        packs = [one.digest.hex() for one in self.index.packs]
        return b"".join((self.folder / one[:2] / one).read_bytes() for one in packs)


def make_image(folder: Path, packs: int, pieces: int, piece: int) -> Image:
    """Make packs, each of so many pieces of so many bytes."""
    made: list[Pack] = []
    cut: list[Piece] = []
    for number in range(packs):
        data = os.urandom(pieces * piece)
        digest = digest_of(data)
        path = folder / digest.hex()[:2] / digest.hex()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        made.append(Pack(digest, len(data)))
        for at in range(0, len(data), piece):
            part = data[at : at + piece]
            cut.append(Piece(digest_of(part), number, at, len(part), len(part)))
    return Image(ImageIndex(tuple(made), tuple(cut), (), ()), folder)


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@dataclass
class Talk:
    """A process in a namespace, and what it says: a JSON value a line."""

    process: subprocess.Popen[str]
    errors: Path
    said: list[dict[str, Any]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.said.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self.said.append({"over": True})
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until it has said such a thing, and give that."""
        with self._changed:
            self._changed.wait_for(
                lambda: any(map(wanted, self.said)) or {"over": True} in self.said, PATIENCE
            )
            for one in self.said:
                if wanted(one):
                    return one
        errors = self.errors.read_text()[-2000:]
        raise AssertionError(f"it never said so, but {self.said[-5:]} {errors}")

    def end(self) -> dict[str, Any]:
        """Wait until it has all, and give what it says then."""
        return self.wait_for(lambda one: "done" in one)

    def all_of(self, what: str) -> list[Any]:
        with self._changed:
            return [one[what] for one in self.said if what in one]

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@dataclass
class Room:
    """The switch and what hangs on it."""

    name: str
    folder: Path
    stack: ExitStack

    def namespace(self, who: str) -> str:
        return f"{self.name}-{who}"

    def plug(self, who: str, address: str) -> None:
        """Put a machine on the switch."""
        inside, port = self.namespace(who), f"p-{who}"
        run("ip", "netns", "add", inside)
        self.stack.callback(run, "ip", "netns", "del", inside)
        hub = self.namespace("hub")
        peer = ("type", "veth", "peer", "name", port, "netns", hub)
        run("ip", "-n", inside, "link", "add", "eth0", *peer)
        run("ip", "-n", hub, "link", "set", port, "master", "br0", "up")
        run("ip", "-n", inside, "address", "add", f"{address}/24", "broadcast", "+", "dev", "eth0")
        run("ip", "-n", inside, "link", "set", "lo", "up")
        run("ip", "-n", inside, "link", "set", "eth0", "up")

    def block_multicast(self, who: str) -> None:
        """Let the switch send no multicast to a machine."""
        run("bridge", "-n", self.namespace("hub"), "link", "set", "dev", f"p-{who}",
            "mcast_flood", "off")  # fmt: skip

    def snoop(self) -> None:
        """Let the switch send multicast only to those that have told that they listen."""
        bridge = ("ip", "-n", self.namespace("hub"), "link", "set", "br0", "type", "bridge")
        run(*bridge, "mcast_snooping", "1", "mcast_query_response_interval", "50")
        run(*bridge, "mcast_querier", "1")
        time.sleep(1)  # longer than it listens for another querier, and lets all through

    def keep_from_telling(self, who: str) -> None:
        """Let the switch hear no more to which addresses a machine listens."""
        self._filter(
            who,
            "add table ip told",
            "add chain ip told output { type filter hook output priority 0; }",
            "add rule ip told output ip protocol igmp drop",
        )

    def lose(self, who: str, percent: int) -> None:
        """Let a machine lose so much of what comes and goes."""
        rules = (
            f"add chain ip loss {way} {{ type filter hook {way} priority 0; }}\n"
            f"add rule ip loss {way} meta l4proto udp numgen random mod 100 < {percent} drop"
            for way in ("input", "output")
        )
        self._filter(who, "add table ip loss", *rules)

    def _filter(self, who: str, *rules: str) -> None:
        nft = ["ip", "netns", "exec", self.namespace(who), "nft", "-f", "-"]
        subprocess.run(nft, input="\n".join(rules), text=True, check=True)

    def sent_bytes(self) -> int:
        """Give what the boot server has sent, on its interface."""
        links = run("ip", "-n", self.namespace("server"), "-s", "-j", "link", "show", "eth0")
        return int(json.loads(links)[0]["stats64"]["tx"]["bytes"])

    def processes(self, who: str) -> list[str]:
        """Give the names of what runs on a machine."""
        pids = run("ip", "netns", "pids", self.namespace(who)).split()
        return [Path(f"/proc/{one}/comm").read_text().strip() for one in pids]

    def serve(self, packs: Path, *, bits: int = 0) -> Talk:
        """Start a boot server."""
        server = self._start("server", "server", str(packs), str(bits))
        server.wait_for(lambda one: "serves" in one)
        return server

    def image(
        self, number: int, image: Image, *, group: str = "a", members: int, **more: str
    ) -> Talk:
        """Let a PC get an image."""
        index = self.folder / f"{group}.index"
        index.write_bytes(image.index.pack())
        words = [str(index), str(self.target(number)), group, str(members), pc_address(number)]
        words += [f"--{name}={value}" for name, value in more.items()]
        return self._start(f"pc{number}", "pc", *words)

    def target(self, number: int) -> Path:
        return self.folder / f"pc{number}.disk"

    def _start(self, who: str, *words: str) -> Talk:
        inside = ["ip", "netns", "exec", self.namespace(who)]
        errors = self.folder / f"{who}.log"
        with errors.open("a") as log:
            process = subprocess.Popen(
                [*inside, sys.executable, "-u", "-m", "tests.support.room_machines", *words],
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPO, start_new_session=True,
            )  # fmt: skip
        talk = Talk(process, errors)
        self.stack.callback(_end, talk)
        return talk


def pc_address(number: int) -> str:
    return f"10.99.0.{10 + number}"


@contextmanager
def room(pcs: int) -> Iterator[Room]:
    """A switch with a boot server and so many PCs, while this lasts."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ictops-room-")))
        one = Room(f"ictops-{secrets.token_hex(3)}", folder, stack)
        hub = one.namespace("hub")
        run("ip", "netns", "add", hub)
        stack.callback(run, "ip", "netns", "del", hub)
        run("ip", "-n", hub, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        run("ip", "-n", hub, "link", "set", "br0", "up")
        one.plug("server", SERVER)
        for number in range(pcs):
            one.plug(f"pc{number}", pc_address(number))
        yield one


def _end(talk: Talk) -> None:
    for number in (signal.SIGCONT, signal.SIGTERM):
        talk.signal(number)
    try:
        talk.process.wait(PATIENCE / 4)
    except subprocess.TimeoutExpired:
        talk.signal(signal.SIGKILL)
        talk.process.wait()
    finally:
        talk.signal(signal.SIGKILL)  # what it had started


def finish(talks: Sequence[Talk]) -> list[dict[str, Any]]:
    """Wait until all have all, and give what they say then."""
    return [one.end() for one in talks]
