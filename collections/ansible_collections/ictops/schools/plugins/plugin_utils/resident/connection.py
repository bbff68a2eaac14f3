"""Ansible's ssh connection, with modules and small errands done by residents."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ssh
from ansible.utils.display import Display
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.baton import BATON
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.channel import (
    Answer,
    Channel,
    LostError,
    NotStartedError,
    PlainError,
    greeting,
    starter,
)
from ansible_collections.ictops.schools.plugins.plugin_utils.resident.payload import read_module

display = Display()

LARGEST_FILE = 1_000_000
"""Bytes of a file that goes through a resident; larger ones go by sftp."""
LOGIN_PYTHON = "/usr/bin/python3"
"""For errands of the user who logs in; modules bring their own interpreter with them."""

PATIENCE = 30.0
"""Seconds that a login and sudo may take, beside the time to connect."""
UNREACHABLE = (255, -9)
"""ssh's own exit status, and that of an ssh which we ended because nothing came."""

# What ActionBase._low_level_execute_command makes of an interpreter, with sudo and without.
_MODULE_COMMAND = re.compile(
    r"/bin/sh -c '(?:sudo [^;]* /bin/sh -c '\"'\"'echo (?P<become>BECOME-SUCCESS-[a-z]+) ; )?"
    r"(?P<python>/[\w./-]+)(?:'\"'\"')? && sleep 0'"
)


class Residents:
    """The residents of one run of ansible-playbook, by the ssh command that leads to each."""

    def __init__(self) -> None:
        self._channels: dict[tuple[bytes, ...], Channel] = {}
        self._hosts: dict[str, set[tuple[bytes, ...]]] = {}
        self._refused: set[tuple[bytes, ...]] = set()

    def refuse(self, key: tuple[bytes, ...]) -> None:
        """Remember that none can be had there."""
        self._refused.add(key)

    def refused(self, key: tuple[bytes, ...]) -> bool:
        return key in self._refused

    def get(self, key: tuple[bytes, ...]) -> Channel | None:
        """Give a resident that is there, and known to be there."""
        channel = self._channels.get(key)
        if channel is not None and channel.doubtful:
            with BATON.handed_on():
                there = channel.answers(patience=5)
            if not there:
                self.drop(key)
                return None
            channel.doubtful = False
        return channel

    def keep(self, key: tuple[bytes, ...], host: str, channel: Channel) -> None:
        self._channels[key] = channel
        self._hosts.setdefault(host, set()).add(key)

    def drop(self, key: tuple[bytes, ...]) -> None:
        channel = self._channels.pop(key, None)
        if channel is not None:
            channel.close()

    def doubt(self, host: str) -> None:
        """Ask the residents of a host whether they are there before they are used again."""
        for key in self._hosts.get(host, ()):
            if key in self._channels:
                self._channels[key].doubtful = True

    def drop_host(self, host: str) -> None:
        for key in self._hosts.pop(host, ()):
            self.drop(key)


RESIDENTS = Residents()


class Connection(ssh.Connection):
    """ssh, with a resident wherever it does the same.

    What a resident does not do, or cannot, goes the way that it goes in Ansible itself.
    """

    inventory_name = ""
    """The host's name in the inventory."""

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a command, or a module on a host's Python."""
        answer = None
        if in_data is not None:
            answer = self._module(cmd, in_data)
        elif not sudoable:
            answer = self._errand(cmd)
        if answer is not None:
            return answer.rc, answer.stdout, answer.stderr
        with BATON.handed_on():
            return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)

    def put_file(self, in_path: str, out_path: str) -> tuple[int, bytes, bytes]:
        """Bring a file to the host."""
        source = Path(in_path)
        if source.is_file() and source.stat().st_size <= LARGEST_FILE:
            data = source.read_bytes()
            channel = self._channel(LOGIN_PYTHON, become=False)
            if channel is not None:
                with BATON.handed_on(), self._loss_is_told():
                    try:
                        channel.put(data, out_path)
                    except OSError as error:
                        raise AnsibleError(f"{out_path} cannot be written: {error}") from error
                return 0, b"", b""
        with BATON.handed_on():
            return super().put_file(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> tuple[int, bytes, bytes]:
        """Bring a file from the host."""
        with BATON.handed_on():
            return super().fetch_file(in_path, out_path)

    def reset(self) -> None:
        """Begin anew, as after a user was put into another group."""
        RESIDENTS.drop_host(self.inventory_name)
        with BATON.handed_on():
            super().reset()

    def _module(self, cmd: str, in_data: bytes) -> Answer | None:
        command = _MODULE_COMMAND.fullmatch(cmd)
        module = read_module(in_data) if command else None
        if command is None or module is None:
            return None
        become = command["become"] is not None
        if become and (self.become is None or command["become"] != self.become.success):
            return None
        channel = self._channel(command["python"], become=become)
        if channel is None:
            return None
        try:
            with BATON.handed_on(), self._loss_is_told():
                return channel.module(module)
        except PlainError as error:
            display.vvv(f"RESIDENT: the plain way: {error}", host=self.host)
            return None

    def _errand(self, cmd: str) -> Answer | None:
        channel = self._channel(LOGIN_PYTHON, become=False)
        if channel is None:
            return None
        with BATON.handed_on(), self._loss_is_told():
            return channel.shell(cmd)

    def _channel(self, python: str, *, become: bool) -> Channel | None:
        """Give the resident for a Python and a user; None if there can be none.

        :raises AnsibleConnectionFailure: if the host cannot be reached.
        """
        if self.get_option("password") or self._play_context.password:
            return None
        if getattr(self._shell, "_IS_WINDOWS", False):
            return None
        who = self._identity() if become else b""
        if who is None:
            return None
        self.host = self.get_option("host") or self._play_context.remote_addr
        ssh_command = self._build_command(self.get_option("ssh_executable"), "ssh", self.host)
        key = (python.encode(), who, *ssh_command)
        if RESIDENTS.refused(key):
            return None
        return RESIDENTS.get(key) or self._start(key, ssh_command, python, become=become)

    def _identity(self) -> bytes | None:
        """Tell apart those whom a task can become; None if a password is asked for."""
        options = ("become_user", "become_flags", "become_exe")
        if self.become is None or self.become.get_option("become_pass"):
            return None
        return repr([self.become.name, *map(self.become.get_option, options)]).encode()

    def _start(
        self, key: tuple[bytes, ...], ssh_command: list[bytes], python: str, *, become: bool
    ) -> Channel | None:
        greet = greeting()
        command = starter(python, greet)
        if become and self.become is not None:
            command = self.become.build_become_command(command, self._shell)
        remote = f"/bin/sh -c {shlex.quote('exec ' + command)}".encode()
        patience = float(self.get_option("timeout")) + PATIENCE
        try:
            with BATON.handed_on():
                channel = Channel([*ssh_command, remote], greet, patience)
        except NotStartedError as error:
            if error.rc not in UNREACHABLE:
                display.vvv(f"RESIDENT: none on this host: {error}", host=self.host)
                RESIDENTS.refuse(key)
                return None
            said = str(error) or f"no answer within {patience:.0f} s"
            raise AnsibleConnectionFailure(
                f"Failed to connect to the host via ssh: {said}"
            ) from error
        RESIDENTS.keep(key, self.inventory_name, channel)
        return channel

    @contextmanager
    def _loss_is_told(self) -> Iterator[None]:
        """Turn a lost host into what Ansible calls unreachable."""
        try:
            yield
        except LostError as error:
            RESIDENTS.drop_host(self.inventory_name)
            raise AnsibleConnectionFailure(
                f"Failed to connect to the host via ssh: {error}"
            ) from error
