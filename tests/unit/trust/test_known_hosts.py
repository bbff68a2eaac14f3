"""Pinned keys: the file, and OpenSSH's own ssh that is held to it, at real SSH servers."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from ictops.errors import TrustError
from ictops.trust import scan as scanning
from ictops.trust.known_hosts import (
    KnownHosts,
    address_of,
    explain,
    known_hosts_path,
    pin_keys,
    write_known,
    write_ssh_clients,
)
from ictops.trust.scan import Finding, Target, scan

ED25519, OTHER, RSA, P521 = map(
    asyncssh.generate_private_key,
    ("ssh-ed25519", "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp521"),
)


def line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


class LetIn(asyncssh.SSHServer):
    """Asks nobody who they are: only the server's own key is looked at here."""

    def begin_auth(self, _username: str) -> bool:
        return False


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Give a function that starts an SSH server with these keys and gives its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: list[asyncssh.SSHAcceptor] = []

    async def start(keys: list[asyncssh.SSHKey], address: str) -> int:
        def done(process: asyncssh.SSHServerProcess[str]) -> None:
            process.exit(0)

        server = await asyncssh.create_server(
            LetIn, address, 0, server_host_keys=keys, process_factory=done, sftp_factory=True
        )
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def stop() -> None:
        for server in servers:
            server.close()
            await server.wait_closed()

    yield lambda *keys, address="127.0.0.1": asyncio.run_coroutine_threadsafe(
        start(list(keys), address), loop
    ).result(10)
    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def look(port: int, pins: Path, address: str = "127.0.0.1") -> Finding:
    (found,) = scan([Target("ws-01", address, port)], KnownHosts(pins))
    return found


@pytest.mark.parametrize("key", [ED25519, RSA, P521], ids=["ed25519", "rsa", "p521"])
def test_a_host_with_one_kind_of_key_only(serve, tmp_path, key):
    port, pins = serve(key), tmp_path / "oakfield"
    found = look(port, pins)
    assert found.state == "new"
    assert [one.line for one in found.keys] == [line(key)]
    assert found.keys[0].fingerprint == key.get_fingerprint()
    pin_keys(pins, {address_of("127.0.0.1", port): [line(key)]})
    assert look(port, pins).state == "pinned"


def test_ipv6_and_a_port_of_its_own(serve, tmp_path):
    port, pins = serve(ED25519, address="::1"), tmp_path / "oakfield"
    pin_keys(pins, {address_of("::1", port): [line(ED25519)]})
    assert pins.read_text() == f"[::1]:{port} {line(ED25519)}\n"
    assert look(port, pins, "::1").state == "pinned"
    assert ssh(tmp_path, pins, port, address="::1").returncode == 0


def test_hashed_names_are_read_and_replaced(serve, tmp_path):
    port, pins = serve(ED25519), tmp_path / "oakfield"
    address = address_of("127.0.0.1", port)
    pin_keys(pins, {address: [line(ED25519)], "10.1.1.1": [line(OTHER)]})
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", pins], check=True, capture_output=True)
    assert "127.0.0.1" not in pins.read_text()
    assert look(port, pins).state == "pinned"
    pin_keys(pins, {address: [line(OTHER)]})
    assert look(port, pins).state == "changed"
    assert len(pins.read_text().splitlines()) == 2, "the hashed line of the old key is gone"
    assert KnownHosts(pins).pinned("10.1.1.1") == {line(OTHER)}


def test_a_changed_key_and_a_revoked_one(serve, tmp_path):
    port, pins = serve(ED25519, RSA), tmp_path / "oakfield"
    address = address_of("127.0.0.1", port)
    write_known(pins, {address: [line(OTHER)]})
    assert look(port, pins).state == "changed"
    write_known(pins, {address: [line(ED25519)]})
    assert look(port, pins).state == "pinned", "a further kind of key does no harm"
    pins.write_text(f"{pins.read_text()}@revoked * {line(RSA)}\n")
    assert look(port, pins).state == "revoked"


def test_what_somebody_wrote_there_stays(tmp_path):
    pins = tmp_path / "oakfield"
    kept = [
        "# keys of the old servers",
        "",
        f"@cert-authority *.oakfield.example {line(RSA)} the council's",
        f"@revoked 10.1.1.9 {line(OTHER)}",
        f"srv-*,!srv-09 {line(P521)}",
        "nonsense",
    ]
    pins.write_text("\n".join([*kept, f"10.1.1.1,WS-01.example {line(OTHER)} a word"]) + "\n")
    known = KnownHosts(pins)
    assert known.pinned("ws-01.example") == {line(OTHER)}
    assert known.pinned("srv-01") == {line(P521)}
    assert known.pinned("srv-09") == set()
    pin_keys(pins, {"10.1.1.1": [line(ED25519)]})
    rest = [f"WS-01.example {line(OTHER)} a word", f"10.1.1.1 {line(ED25519)}"]
    assert pins.read_text().splitlines() == kept + rest
    assert list(tmp_path.iterdir()) == [pins], "no half-written file stays"


def test_names_are_small_letters_as_ssh_looks_them_up(tmp_path):
    assert address_of("WS-01.Example", 22) == "ws-01.example"
    assert address_of("FE80::1", 2222) == "[fe80::1]:2222"
    pins = tmp_path / "oakfield"
    pins.write_text(f"[FE80::1]:2222 {line(RSA)}\n")
    assert KnownHosts(pins).pinned(address_of("fe80::1", 2222)) == {line(RSA)}


def test_hosts_that_show_no_key(tmp_path, monkeypatch):
    monkeypatch.setattr(scanning, "SECONDS", 0.5)
    pins = tmp_path / "oakfield"
    with socket.socket() as closed, socket.socket() as mute, socket.socket() as web:
        for one in (closed, mute, web):
            one.bind(("127.0.0.1", 0))
        mute.listen()
        web.listen()

        def answer() -> None:
            for _ in range(3):
                connection, _peer = web.accept()
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        reasons = {
            name: look(port, pins, address)
            for name, address, port in (
                ("closed", "127.0.0.1", closed.getsockname()[1]),
                ("mute", "127.0.0.1", mute.getsockname()[1]),
                ("web", "127.0.0.1", web.getsockname()[1]),
                ("no name", "a..b", 22),
                ("long name", f"{'x' * 70}.example", 22),
                ("no port", "127.0.0.1", 99999),
            )
        }
    assert {found.state for found in reasons.values()} == {"silent"}
    assert all(found.reason for found in reasons.values())
    assert "no answer" in reasons["mute"].reason


def test_a_file_that_cannot_be_read_or_a_name_that_leads_out(tmp_path):
    (tmp_path / "oakfield").write_bytes(b"\xff\xfe")
    with pytest.raises(TrustError, match="it is no text"):
        KnownHosts(tmp_path / "oakfield")
    (tmp_path / "rowan").mkdir()
    with pytest.raises(TrustError, match="cannot be read"):
        pin_keys(tmp_path / "rowan", {})
    for code in ("../etc", "a b", "", "a/b", "oakfield\n", "Oakfield", "-x"):
        with pytest.raises(TrustError, match="a site's code"):
            known_hosts_path(tmp_path, code)


def test_ssh_in_its_own_words_is_explained():
    assert "--replace ws-01" in explain("REMOTE HOST IDENTIFICATION HAS CHANGED!", "oak", "ws-01")
    assert "'ictops site trust oak'" in explain("Host key verification failed.", "oak", "ws-01")
    assert explain("Connection refused", "oak", "ws-01") == ""


# -- what runs use ------------------------------------------------------------

LAX = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
"""What many an inventory or ansible.cfg adds."""


def ssh(
    folder: Path, pins: Path, port: int, *options: str, address: str = "127.0.0.1"
) -> subprocess.CompletedProcess[str]:
    (folder / "job").mkdir(exist_ok=True)
    client = write_ssh_clients(folder / "job", pins)["ansible_ssh_executable"]
    words = [client, "-F", "/dev/null", "-o", "BatchMode=yes", *options, "-p", str(port), address]
    return subprocess.run([*words, "true"], check=False, capture_output=True, text=True, timeout=20)


def test_ssh_takes_the_pinned_key_and_no_other_whatever_is_added(serve, tmp_path):
    folder = tmp_path / "a folder 100%d"
    folder.mkdir()
    port, pins = serve(ED25519), folder / "oakfield"
    address = address_of("127.0.0.1", port)
    for wrong in ({}, {address: [line(OTHER)]}, {address_of("127.0.0.1", 22): [line(OTHER)]}):
        write_known(pins, wrong)
        for options in ((), LAX):
            done = ssh(folder, pins, port, *options)
            assert done.returncode == 255
            assert "Host key verification failed" in done.stderr
    write_known(pins, {address: [line(ED25519)]})
    before = pins.read_text()
    assert ssh(folder, pins, port, *LAX).returncode == 0
    assert pins.read_text() == before, "ssh writes nothing into it"


def test_sftp_and_scp_are_held_to_it_too(serve, tmp_path):
    port, pins = serve(ED25519), tmp_path / "oakfield"
    (tmp_path / "brought").write_text("x")
    clients = write_ssh_clients(tmp_path, pins)
    copy = [clients["ansible_scp_executable"], *LAX, "-P", str(port), str(tmp_path / "brought")]
    copy.append(f"127.0.0.1:{tmp_path / 'there'}")
    batch = [clients["ansible_sftp_executable"], *LAX, "-P", str(port), "-b", "-", "127.0.0.1"]

    def refused(words: list[str]) -> bool:
        script = f"put {tmp_path / 'brought'} {tmp_path / 'again'}\n"
        done = subprocess.run(words, check=False, input=script, capture_output=True, text=True)
        return "Host key verification failed" in done.stderr

    assert refused(copy)
    assert refused(batch)
    write_known(pins, {address_of("127.0.0.1", port): [line(ED25519)]})
    assert not refused(copy)
    assert not refused(batch)
    assert (tmp_path / "again").read_text() == "x"


def test_the_variables_turn_checking_on_where_an_inventory_turned_it_off(tmp_path):
    variables = write_ssh_clients(tmp_path, tmp_path / "oakfield")
    assert variables["ansible_host_key_checking"] == "true"
    assert variables["ansible_ssh_host_key_checking"] == "true"
    assert str(shutil.which("ssh")) in (tmp_path / "ssh").read_text()


def test_several_that_pin_at_once_lose_nothing(tmp_path):
    path = tmp_path / "known_hosts" / "oak"
    hosts = [f"198.18.0.{number}" for number in range(1, 41)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda host: pin_keys(path, {host: ["ssh-ed25519 AAAA"]}), hosts))
    assert sorted(path.read_text().split()[::3]) == sorted(hosts)
