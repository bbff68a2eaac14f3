"""The process of a farm: a listening address for each of its switches."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import traceback
from pathlib import Path

import asyncssh

from ictops.errors import LabError
from ictops.lab.farm.cli import Cli
from ictops.lab.farm.control import serve
from ictops.lab.farm.device import Device, Pace
from ictops.lab.farm.dialects import cli_for
from ictops.lab.farm.files import LISTENING, PID, host_keys, known_line, put
from ictops.lab.farm.model import FarmModel, read_farm
from ictops.lab.farm.session import Session

BACKLOG = 128
LOGIN_SECONDS = 120


class _Login(asyncssh.SSHServer):
    """The login of one connection."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._user = ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Say what is wrong with the farm itself; asyncssh would keep it to itself."""
        if exc is not None and not isinstance(exc, (OSError, asyncssh.Error)):
            traceback.print_exception(exc)

    def begin_auth(self, username: str) -> bool:
        self._user = username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        model = self._device.model
        name = username.split("+", 1)[0] if self._device.kind.login_options else username
        return (name, password) == (model.user, model.password)

    def session_requested(self) -> Session:
        self._device.logins += 1
        cli: Cli = cli_for(self._device, self._device.model.user)
        return Session(self._device, cli)


class Port:
    """The address on which one switch is reached, and its host key."""

    def __init__(self, device: Device, key: asyncssh.SSHKey) -> None:
        """Belong to a switch; nothing listens yet."""
        self.device = device
        self.key = key
        self._socket: socket.socket | None = None
        self._silent: set[socket.socket] = set()
        self._options: dict[bool, asyncssh.SSHServerConnectionOptions] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> tuple[str, int]:
        """Listen, and give where.

        :raises LabError: if the address is taken, or none of this machine's.
        """
        model = self.device.model
        try:
            family = socket.AF_INET6 if ":" in model.address else socket.AF_INET
            self._socket = socket.create_server(
                (model.address, model.port), family=family, backlog=BACKLOG
            )
        except OSError as error:
            where = f"{model.address} port {model.port}"
            raise LabError(f"cannot listen: {error.strerror}", where=where) from error
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._accept)
        bound = self._socket.getsockname()
        return str(bound[0]), int(bound[1])

    def close(self) -> None:
        """Listen no more and end all sessions."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._hang_up()
        for task in self._tasks:
            task.cancel()
        self.device.off()

    def _hang_up(self) -> None:
        for connection in self._silent:
            connection.close()
        self._silent.clear()

    def _accept(self) -> None:
        assert self._socket is not None  # noqa: S101 - it is what called
        if not self.device.silent:
            self._hang_up()  # on those who called while it could not answer
        while True:
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            connection.setblocking(False)
            if self.device.down or self.device.faults.refuse_logins:
                connection.close()
            elif self.device.silent:
                # It stays open and says nothing, as near as a program comes to packets lost.
                self._silent.add(connection)
            else:
                task = asyncio.get_running_loop().create_task(self._talk(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _talk(self, connection: socket.socket) -> None:
        try:
            await asyncssh.run_server(connection, options=self._options_now())
        except (OSError, asyncssh.Error):  # the other side went away in the middle of its login
            connection.close()

    def _options_now(self) -> asyncssh.SSHServerConnectionOptions:
        """Give how to talk; made when somebody first calls, as most switches wait for long."""
        fresh = self.device.faults.new_host_key
        if not fresh:
            self._options.pop(True, None)
        if fresh not in self._options:
            key = asyncssh.generate_private_key("ssh-ed25519") if fresh else self.key
            self._options[fresh] = asyncssh.SSHServerConnectionOptions(
                server_factory=lambda: _Login(self.device),
                server_host_keys=[key],
                encoding=None,
                line_editor=False,
                gss_host=None,
                agent_forwarding=False,
                x11_forwarding=False,
                allow_scp=False,
                login_timeout=LOGIN_SECONDS,
                compression_algs=["none"],
            )
        return self._options[fresh]


async def run(folder: Path) -> None:
    """Be the farm of a folder until the process is asked to end.

    :raises LabError: if its file is wrong, or an address is taken.
    """
    asyncssh.set_log_level("ERROR")
    model = read_farm(folder)
    _allow_files(len(model.devices))
    ports = _ports(folder, model)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        places = {port.device.name: port.listen() for port in ports}
        known = [known_line(*places[port.device.name], port.key) for port in ports]
        put(folder / "known_hosts", "".join(sorted(set(known))))
        put(folder / LISTENING, json.dumps(places, indent=0))
        async with serve(folder, {port.device.name: port.device for port in ports}):
            put(folder / PID, f"{os.getpid()}\n")
            await stop.wait()
    finally:
        for port in ports:
            port.close()
        if _own_pid(folder):
            (folder / PID).unlink(missing_ok=True)


def _ports(folder: Path, model: FarmModel) -> list[Port]:
    pace = Pace(model.time_scale, model.boot_seconds)
    keys = host_keys(folder, [device.name for device in model.devices], shared=model.shared_key)
    return [Port(Device(device, pace), keys[device.name]) for device in model.devices]


def _own_pid(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return (folder / PID).read_text().strip() == str(os.getpid())
    return False


def _allow_files(devices: int) -> None:
    """Let this process have a socket for each device and many for sessions, as far as it may."""
    import resource  # noqa: PLC0415 - not on every system that imports ictops

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = devices * 4 + 256
    if soft < wanted:
        highest = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
