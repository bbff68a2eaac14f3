"""A real switch-like CLI: FRRouting in a network namespace of its own, by ssh and vtysh."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

ZEBRA = Path("/usr/lib/frr/zebra")


@dataclass
class Frr:
    """A router; ``folder`` holds its keys."""

    name: str
    address: str
    folder: Path
    port: int = 0

    @property
    def namespace(self) -> str:
        return f"ictops-{self.folder.name[-6:]}"

    @property
    def login_key(self) -> Path:
        return self.folder / "login_key"

    @property
    def known_hosts_line(self) -> str:
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        return f"[{self.address}]:{self.port} {kind} {key}\n"

    @property
    def shell(self) -> list[str]:
        socket = str(self.folder / "vty")
        return [
            *("ip", "netns", "exec", self.namespace, "vtysh", "--vty_socket", socket),
            *("--config_dir", str(self.folder)),
        ]

    def vtysh(self, *commands: str) -> str:
        """Say commands behind ictops' back; what is shown comes back."""
        words = [word for command in commands for word in ("-c", command)]
        return subprocess.run(
            [*self.shell, *words], check=True, capture_output=True, text=True
        ).stdout


def need_frr() -> None:
    """Skip the test, saying what to install, where FRR cannot be; but never in CI."""
    missing = [
        what for what, there in (("frr", ZEBRA.exists()), ("root", os.getuid() == 0)) if not there
    ]
    if missing:
        why = f"no FRR on this machine: needs {' and '.join(missing)} (apt-get install frr)"
        if os.environ.get("CI"):
            raise RuntimeError(why)
        pytest.skip(why)


@contextmanager
def frr(name: str, address: str = "127.0.0.9") -> Iterator[Frr]:
    """A router of this name, up and answering while this lasts."""
    one = Frr(name, address, Path(tempfile.mkdtemp(prefix="ictops-frr-")))
    try:
        _start_zebra(one)
        with _door(one):
            yield one
    finally:
        pid = one.folder / "zebra.pid"
        if pid.is_file():
            subprocess.run(["kill", pid.read_text().strip()], check=False)
        subprocess.run(["ip", "netns", "delete", one.namespace], check=False)
        shutil.rmtree(one.folder)


def _start_zebra(one: Frr) -> None:
    folder = one.folder
    folder.chmod(0o755)
    shutil.chown(folder, "frr", "frrvty")
    (folder / "vty").mkdir()
    shutil.chown(folder / "vty", "frr", "frrvty")
    for key in ("host_key", "login_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
    (folder / "zebra.conf").write_text(f"hostname {one.name}\n")
    shutil.chown(folder / "zebra.conf", "frr", "frr")
    # What is stored is this router's own file, never the machine's.
    (folder / "vtysh.conf").write_text("no service integrated-vtysh-config\n")
    _run("ip", "netns", "add", one.namespace)
    _run(
        "ip", "netns", "exec", one.namespace, str(ZEBRA), "--daemon",
        "--vty_socket", str(folder / "vty"), "--config_file", str(folder / "zebra.conf"),
        "--pid_file", str(folder / "zebra.pid"), "--socket", str(folder / "zserv.api"),
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not (folder / "vty" / "zebra.vty").exists():
        assert time.monotonic() < deadline, "FRR does not start"
        time.sleep(0.05)


@contextmanager
def _door(one: Frr) -> Iterator[None]:
    """An ssh server whose shell is the router's, on a terminal of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def session(process: asyncssh.SSHServerProcess[bytes]) -> None:
        master, slave = os.openpty()
        child = subprocess.Popen(  # noqa: ASYNC220 - it forks, and waits for nothing
            one.shell, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": process.get_terminal_type() or "dumb"},
        )  # fmt: skip
        os.close(slave)
        await process.redirect(stdin=os.dup(master), stdout=master)
        try:
            await process.stdout.channel.wait_closed()
        finally:
            child.kill()
            child.wait()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            one.address, 0,
            server_host_keys=[str(one.folder / "host_key")],
            authorized_client_keys=str(one.folder / "login_key.pub"),
            process_factory=session, encoding=None, line_editor=False,
        )  # fmt: skip

    async def end() -> None:
        acceptor.close()
        await acceptor.wait_closed()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    one.port = acceptor.get_port()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
