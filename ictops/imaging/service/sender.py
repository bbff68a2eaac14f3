"""udp-sender: one process for one pack.

Of version 20120424, which Debian has, this was measured or read in its source: with its own 200
retries, a PC that has stopped holds up the others for more than three minutes; after the tenth a
retry takes a second, so that 14 are some five seconds. It blocks SIGTERM while it sends. It says
"Transfer complete" also when it has dropped somebody. Its answer to a PC that comes is not said
again once all have come: where it is lost, that PC hears nothing, and is dropped like one that has
stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ictops.imaging.wire.said import stream_head

RETRIES = 14
"""After which a PC that does not answer is dropped: some five seconds."""
CONNECT_SECONDS = 3
"""How long those are waited for that were told to come, from the first on."""
START_SECONDS = 5
"""How long the first is waited for."""
HELLO_MS = 50
"""How often the sender says that it is there; only then it looks whether all have come."""
_LOOK_EVERY = 0.5
_SIOCGIFADDR = 0x8915
_CONNECTED = re.compile(r"New connection from (\S+)\s+\(#(\d+)\)")
_DROPPED = re.compile(r"Dropping client #(\d+) because of timeout")
_NOT_READY = re.compile(r"notReady=\[([\d,]*)\]")


class CannotSend(Exception):
    """Nothing can be sent by multicast; says why, for a person."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How a session ended."""

    seconds: float
    rate: float
    """Bytes a second; 0 if it did not come to its end, or somebody spoiled it."""
    spoiled: dict[str, str]
    """By the address of a PC, in which way others had to wait for it."""
    fault: str = ""
    """Why it did not come to its end."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where a boot server sends."""

    interface: str
    bits: int = 0
    """A second at most; 0 for as fast as the slowest PC takes it."""

    def address(self) -> str:
        """Give the interface's IPv4 address.

        :raises CannotSend: if it has none, or there is no such interface.
        """
        name = struct.pack("256s", self.interface.encode()[:15])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, name)
            except OSError as error:
                why = f"the boot server's interface {self.interface} has no IPv4 address"
                raise CannotSend(f"{why} ({error.strerror})") from error
        return socket.inet_ntoa(answer[20:24])


def look_for_sender() -> None:
    """See that there is a sender.

    :raises CannotSend: if not.
    """
    if shutil.which("udp-sender") is None:
        raise CannotSend("the boot server has no udp-sender: install Debian's package udpcast")


@dataclass(eq=False, slots=True)
class Sender:
    """A session on its way."""

    line: Line
    pack: str
    file: Path
    portbase: int
    group: str
    addresses: frozenset[str]
    """Of those that were told to come."""
    _process: subprocess.Popen[bytes] = field(init=False)
    _listens: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _numbers: dict[int, str] = field(default_factory=dict)
    _dropped: set[int] = field(default_factory=set)
    _behind: set[int] = field(default_factory=set)
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=5))
    _stopped: str = ""
    size: int = field(init=False, default=0)
    """Of the pack, in bytes, once it has started."""

    def start(self) -> None:
        """Begin to listen for those that come.

        :raises CannotSend: if it does not.
        """
        command = [
            "udp-sender", "--nokbd", "--no-progress", "--full-duplex",
            "--interface", self.line.interface, "--portbase", str(self.portbase),
            "--mcast-data-address", self.group, "--nopointopoint",
            "--min-receivers", str(len(self.addresses)),
            "--max-wait", str(CONNECT_SECONDS), "--start-timeout", str(START_SECONDS),
            "--retries-until-drop", str(RETRIES), "--rexmit-hello-interval", str(HELLO_MS),
        ]  # fmt: skip
        if self.line.bits:
            command += ["--max-bitrate", str(self.line.bits)]
        try:
            source = self.file.open("rb")
        except OSError as error:
            raise CannotSend(f"the boot server lacks the pack {self.pack[:12]}: {error}") from error
        with source:
            self.size = os.fstat(source.fileno()).st_size
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )  # fmt: skip
            except OSError as error:
                raise CannotSend(f"udp-sender cannot be started: {error.strerror}") from error
            threads = [
                threading.Thread(target=self._feed, args=(os.dup(source.fileno()),)),
                threading.Thread(target=self._read),
            ]
        for one in threads:
            one.start()
        if not self._listens.wait(START_SECONDS) or self._ended.is_set():
            self.stop("it did not begin")
            self._ended.wait()
            said = "; ".join(self._last) or "it says nothing"
            raise CannotSend(f"udp-sender does not send on {self.line.interface}: {said}")

    def wait(self, seconds: float, enough: Callable[[], bool]) -> Sent:
        """Give how it ended; after so many seconds it is ended, and those that are behind blamed.

        :param seconds: how long it may take.
        :param enough: whether all have what is sent. It is ended then, too: a PC's last word may
            have been lost on its way.
        """
        began = time.monotonic()
        had_enough = False
        while not self._ended.wait(_LOOK_EVERY):
            if time.monotonic() - began > seconds:
                self.stop(f"it took longer than {seconds:.0f} s")
                break
            if had_enough and enough():
                self._process.kill()
                break
            had_enough = enough()
        took = time.monotonic() - began
        self._ended.wait()
        code = self._process.wait()
        spoiled = self._spoiled()
        fault = self._stopped
        if code and not fault and not had_enough:
            fault = "; ".join(self._last) or f"it ended with {code}"
        rate = 0.0 if fault or spoiled else self.size / max(took, _LOOK_EVERY)
        return Sent(took, rate, spoiled, fault)

    def _spoiled(self) -> dict[str, str]:
        came = set(self._numbers.values())
        spoiled = dict.fromkeys(self.addresses - came, "it did not come to a session")
        for number in self._dropped:
            spoiled[self._numbers[number]] = "it stopped answering in a session"
        if self._stopped and not spoiled:
            for number in self._behind & self._numbers.keys():
                spoiled[self._numbers[number]] = "a session was too slow because of it"
        return spoiled

    def stop(self, why: str) -> None:
        """End it at once; :meth:`wait` then gives this reason."""
        if not self._ended.is_set():
            self._stopped = why
            self._process.kill()

    def _feed(self, source: int) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise AssertionError("it was started with a pipe")
        try:
            # It may end before it has read all: then how it ended says why.
            with contextlib.suppress(BrokenPipeError):
                pipe.write(stream_head(self.pack))
                pipe.flush()
                while os.sendfile(pipe.fileno(), source, None, 2**20):
                    pass
        finally:
            os.close(source)
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _read(self) -> None:
        errors = self._process.stderr
        if errors is None:
            raise AssertionError("it was started with a pipe")
        with errors:
            for raw in errors:
                self._hear(raw.decode(errors="replace").strip())
        self._process.wait()
        self._ended.set()
        self._listens.set()

    def _hear(self, line: str) -> None:
        if line.startswith("Broadcasting control"):
            self._listens.set()
        elif connected := _CONNECTED.search(line):
            self._numbers[int(connected[2])] = connected[1]
        elif dropped := _DROPPED.search(line):
            self._dropped.add(int(dropped[1]))
        elif behind := _NOT_READY.search(line):
            self._behind = {int(one) for one in behind[1].split(",") if one}
        if line:
            self._last.append(line)
