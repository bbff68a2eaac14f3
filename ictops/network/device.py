"""A switch as it is reached, and a session with it."""

from __future__ import annotations

import socket
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ictops.errors import CommandRefused, SwitchError, SwitchUnreachable
from ictops.network.platform import Platform, load_platform
from ictops.network.terminal import Said, Terminal
from ictops.network.wire import dial
from ictops.trust.known_hosts import address_of

if TYPE_CHECKING:
    from netmiko import BaseConnection

    from ictops.network.methods import Answer

CONNECT_SECONDS = 15.0
"""For the TCP connection, the key exchange and the login, each."""
READ_SECONDS = 60.0
"""For all that a command shows: old switches take half a minute to build a configuration."""


_RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing throws away what was not sent, see socket(7)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A switch as it is reached.

    :ivar pins: its SSH host keys, ``type base64``; any other key is refused.
    """

    name: str
    site: str
    platform: str
    address: str
    user: str
    port: int = 22
    pins: frozenset[str] = frozenset()
    password: str | None = field(default=None, repr=False)
    enable: str | None = field(default=None, repr=False)
    """The password of the privileged mode, where there is one."""
    key_file: Path | None = None
    """A private key to log in by."""


class Session:
    """A login on a switch, in its privileged mode."""

    def __init__(self, device: Device, platform: Platform, connection: BaseConnection) -> None:
        self.device = device
        self.platform = platform
        self._connection = connection
        self._terminal = Terminal(connection, connection.base_prompt, device.name)
        self.lost = False
        """Whether nothing can be said to it any more."""

    def say(
        self,
        line: str,
        *,
        answers: Sequence[Answer] = (),
        seconds: float = READ_SECONDS,
        tell: Callable[[str], str] = str,
        learns: bool = True,
    ) -> Said:
        """Say a line, such as one of configuration, and give what the switch answers to it.

        :param answers: to what it may ask.
        :param seconds: for the whole answer.
        :param tell: how the line, and what the switch says of it, is told to people: masked.
        :param learns: whether it may change the prompt.
        :raises SwitchUnreachable: if the session is lost, at once, or no answer comes.
        """
        try:
            with _told(self.device):
                return self._terminal.say(
                    line, answers=answers, seconds=seconds, tell=tell, learns=learns
                )
        except SwitchUnreachable:
            self.drop()
            raise

    def drop(self) -> None:
        """Give the session up at once: what was said and has not come through is not sent later.

        Else the kernel would go on sending it, and the switch would carry it out when the line
        to it is back, long after it was decided what it has to have.
        """
        self.lost = True
        client = self._connection.remote_conn_pre
        transport = None if client is None else client.get_transport()
        with suppress(SwitchUnreachable), _told(self.device):  # it may be closed already
            if transport is not None and isinstance(transport.sock, socket.socket):
                transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._connection.paramiko_cleanup()

    @property
    def mode(self) -> str:
        """What the prompt says of where one is, such as ``(config-if)#``; after :meth:`say`."""
        return self._terminal.mode

    def show(self, command: str) -> str:
        """Give what a command shows.

        :raises CommandRefused: if the switch does not take it.
        :raises SwitchUnreachable: if the session was lost.
        """
        text = self.say(command, learns=False).text
        self._check(command, text)
        return text

    def show_first(self, commands: tuple[str, ...]) -> str:
        """Give what the first of these shows that the switch knows; nothing if it knows none."""
        for command in commands:
            try:
                return self.show(command)
            except CommandRefused:
                continue
        return ""

    def _check(self, command: str, said: str) -> None:
        for line in said.lstrip().splitlines()[:3]:  # a refusal comes at once
            if self.platform.refuses(line.strip()):
                raise CommandRefused(
                    f"the switch does not take {command!r}: {line.strip()[:200]}",
                    where=self.device.name,
                )


@contextmanager
def login(device: Device, *, seconds: float = CONNECT_SECONDS) -> Iterator[Session]:
    """Log in and go into the privileged mode; log out at the end.

    :param seconds: for the TCP connection, the key exchange and the login, each.
    :raises SwitchUnreachable: if it does not answer, or is lost on the way.
    :raises SwitchError: if its key is not the pinned one, it does not let us in, or not into
        its privileged mode.
    """
    # Slow to import, and only a batch needs it.
    from netmiko import ConnectHandler  # noqa: PLC0415

    platform = load_platform(device.platform)
    with tempfile.NamedTemporaryFile("w", prefix="ictops-", encoding="utf-8") as pins:
        pins.write(_pins(device))
        pins.flush()
        with _told(device):
            connection = ConnectHandler(
                device_type=platform.netmiko,
                host=device.address,
                port=device.port,
                sock=dial(device.address, device.port, seconds),
                username=device.user,
                password=device.password or "",
                secret=device.enable or "",
                use_keys=device.key_file is not None,
                key_file=str(device.key_file) if device.key_file else None,
                allow_agent=False,
                ssh_strict=True,
                system_host_keys=False,
                alt_host_keys=True,
                alt_key_file=pins.name,
                conn_timeout=seconds,
                auth_timeout=seconds,
                banner_timeout=seconds,
                read_timeout_override=None,
            )
    session = None
    try:
        _enable(device, connection)
        session = Session(device, platform, connection)
        yield session
    finally:
        with suppress(SwitchUnreachable), _told(device):  # whoever cannot be told is gone
            if session is None or not session.lost:  # a farewell would wait for an answer
                connection.disconnect()


def _pins(device: Device) -> str:
    """Give this switch's pinned keys, as few lines as there are keys: each login reads them."""
    address = address_of(device.address, device.port)
    if not device.pins:
        raise SwitchError(
            "its SSH host key is not pinned",
            where=device.name,
            do=f"ictops site trust {device.site}",
        )
    return "".join(f"{address} {key}\n" for key in sorted(device.pins))


def _enable(device: Device, connection: BaseConnection) -> None:
    from netmiko.exceptions import ReadTimeout  # noqa: PLC0415

    with _told(device):
        if connection.check_enable_mode():
            return
        try:
            connection.enable()
        except (ValueError, ReadTimeout) as error:  # ReadTimeout: it asks once more
            raise SwitchError(
                "it does not let this user into its privileged mode",
                where=device.name,
                do="Set ansible_become_password to its enable password, or give the user the right",
            ) from error


@contextmanager
def _told(device: Device) -> Iterator[None]:
    """Turn what netmiko and paramiko raise into what a person can act on."""
    from netmiko import (  # noqa: PLC0415
        NetmikoAuthenticationException,
        NetmikoBaseException,
        NetmikoTimeoutException,
    )
    from paramiko import BadHostKeyException, SSHException  # noqa: PLC0415

    try:
        yield
    except NetmikoAuthenticationException as error:
        raise SwitchError(
            f"it refuses the user {device.user}",
            where=device.name,
            do="Look at ansible_user and ansible_password",
        ) from error
    except (
        NetmikoTimeoutException,
        NetmikoBaseException,
        SSHException,
        OSError,
        EOFError,
    ) as error:
        if any(isinstance(one, BadHostKeyException) for one in _causes(error)):
            raise SwitchError(
                "its SSH host key is not the pinned one: somebody else may be answering",
                where=device.name,
                do=f"If it was replaced: ictops site trust {device.site} --replace {device.name}",
            ) from error
        raise SwitchUnreachable(f"it does not answer: {_said(error)}", where=device.name) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _said(error: BaseException) -> str:
    """Give the line of a long message that says something; netmiko adds pages of advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(":"):
        del lines[0]
    return lines[0][:300] if lines else "it closed the connection"
