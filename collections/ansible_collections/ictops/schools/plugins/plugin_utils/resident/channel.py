"""A resident on a host, and the process (ssh, most often) that leads to it."""

from __future__ import annotations

import json
import marshal
import os
import secrets
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from ansible_collections.ictops.schools.plugins.plugin_utils.resident.payload import MAGIC, Module

LONGEST_GREETING = 65_536
"""Bytes that a login may print, such as a message of the day, before the resident greets."""


class NotStartedError(Exception):
    """No resident greeted.

    :ivar rc: the exit status of what leads to it: ssh's is 255 if it did not get there.
    """

    def __init__(self, rc: int, said: str) -> None:
        super().__init__(said)
        self.rc = rc


class LostError(Exception):
    """The way to the resident is gone; nobody knows what became of the last request."""


class PlainError(Exception):
    """The resident leaves a module to Ansible's own way; nothing was done yet."""


@dataclass(frozen=True)
class Answer:
    """What a command or module came to."""

    rc: int
    stdout: bytes
    stderr: bytes


def greeting() -> str:
    """Give a text that no login prints by itself."""
    return f"ictops-resident-{secrets.token_hex(8)}"


def starter(python: str, greet: str) -> str:
    """Give the shell command that starts a resident, which greets and tells its Python's magic."""
    program = (
        "import sys,marshal,_frozen_importlib_external as e;"
        f'print("\\n{greet}",e.MAGIC_NUMBER.hex(),flush=True);'
        "i=sys.stdin.buffer;k,n=i.readline().split();d=i.read(int(n));"
        'exec(marshal.loads(d) if k==b"compiled" else d)'
    )
    return f"{python} -c '{program}'"


@cache
def _program(*, compiled: bool) -> bytes:
    data = (Path(__file__).parent / "host.py").read_bytes()
    if compiled:
        data = marshal.dumps(compile(data, "resident", "exec", dont_inherit=True))
    return b"%s %d\n%s" % (b"compiled" if compiled else b"source", len(data), data)


class _Reader:
    """Reads lines and exact sizes from a pipe, for as long as there is time."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._data = bytearray()

    def _more(self, deadline: float | None) -> None:
        if deadline is not None:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._pipe], [], [], left)[0]:
                raise TimeoutError
        data = os.read(self._pipe.fileno(), 1 << 16)
        if not data:
            raise EOFError
        self._data += data

    def line(self, deadline: float | None = None) -> bytes:
        while (end := self._data.find(b"\n")) < 0:
            self._more(deadline)
        return self.exactly(end + 1)

    def exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            self._more(None)
        data = bytes(self._data[:size])
        del self._data[:size]
        return data


class Channel:
    """One resident."""

    def __init__(self, command: Sequence[bytes | str], greet: str, patience: float) -> None:
        """Start a resident and wait for its greeting.

        :param command: leads to the host and runs :func:`starter` there.
        :param patience: seconds to wait.
        :raises NotStartedError: if it does not greet.
        """
        self.doubtful = False
        """Whether something happened that may have ended it."""
        self._payloads: set[int] = set()
        self._codes: set[str] = set()
        self._errors = os.memfd_create("ictops")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
        )
        self._in: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._out = _Reader(self._process.stdout)  # type: ignore[arg-type]
        try:
            magic = self._greeted(greet.encode(), time.monotonic() + patience)
        except (EOFError, TimeoutError):
            rc = self._end()
            raise NotStartedError(rc, self._complaints()) from None
        self._compiled = magic == MAGIC
        self._write(_program(compiled=self._compiled))

    def module(self, module: Module) -> Answer:
        """Run a module.

        :raises PlainError: if it must be run in Ansible's own way.
        :raises LostError: if the host was lost.
        """
        payload = module.payload
        ask: dict[str, Any] = {
            "do": "module",
            "payload": payload.number,
            "compiled": self._compiled,
            "module": module.name,
            "params": module.params,
            "profile": module.profile,
            "rlimit": module.rlimit,
        }
        body = b""
        if payload.number not in self._payloads:
            new = [code for code in payload.codes if code.digest not in self._codes]
            blobs = [code.compiled if self._compiled else code.source for code in new]
            ask["table"] = payload.table
            ask["codes"] = [(c.digest, len(blob)) for c, blob in zip(new, blobs, strict=True)]
            body = b"".join(blobs)
            self._payloads.add(payload.number)
            self._codes.update(code.digest for code in new)
        said, bodies = self._ask(ask, body)
        if "plain" in said:
            raise PlainError(said["plain"])
        return Answer(said["rc"], *bodies)

    def shell(self, command: str) -> Answer:
        """Run a shell command with nothing on its standard input.

        :raises LostError: if the host was lost.
        """
        said, bodies = self._ask({"do": "shell", "command": command})
        return Answer(said["rc"], *bodies)

    def put(self, data: bytes, path: str) -> None:
        """Write a file.

        :raises OSError: with what the host says, if it cannot be written.
        :raises LostError: if the host was lost.
        """
        said, _ = self._ask({"do": "put", "path": path}, data)
        if "error" in said:
            raise OSError(said["error"])

    def answers(self, patience: float) -> bool:
        """Tell whether the resident is there, waiting that many seconds at the most."""
        try:
            self._send({"do": "nothing"})
            self._receive(time.monotonic() + patience)
        except LostError:
            return False
        return True

    def close(self) -> None:
        """Let the resident end; it ends the module in hand first."""
        self._in.close()
        self._end()

    def _greeted(self, greet: bytes, deadline: float) -> str:
        read = 0
        while read < LONGEST_GREETING:
            line = self._out.line(deadline)
            read += len(line)
            if line.startswith(greet):
                return line.split()[1].decode()
        raise EOFError

    def _ask(self, ask: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], list[bytes]]:
        self._send(ask, body)
        return self._receive()

    def _send(self, ask: dict[str, Any], body: bytes = b"") -> None:
        ask["size"] = len(body)
        try:
            self._write(json.dumps(ask).encode() + b"\n" + body)
        except OSError as error:
            raise LostError(self._complaints() or str(error)) from error

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._in.write(left) :]

    def _receive(self, deadline: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
        try:
            said = json.loads(self._out.line(deadline))
            return said, [self._out.exactly(size) for size in said["sizes"]]
        except (OSError, EOFError, ValueError) as error:
            self._end()
            raise LostError(self._complaints() or "the connection was lost") from error

    def _end(self) -> int:
        try:
            return self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _complaints(self) -> str:
        """Give what ssh said on its standard error."""
        return os.pread(self._errors, 10_000, 0).decode(errors="replace").strip()
