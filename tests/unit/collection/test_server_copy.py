"""Second copies elsewhere, and keys in escrow: a path, SFTP and REST, each with its real server."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import (
    copy,
    is_copied,
    shown,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_escrow import (
    ciphertext,
    escrow,
    is_escrowed,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    Kept,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import snapshots_of

from tests.support.repositories import ACCOUNT, Server, need_restic

pytestmark = need_restic
SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or ""


def second(one: Kept) -> list[str]:
    """Give the originals of what is in the second copy, all of whose data is read."""
    assert one.copy is not None
    run(one.copy, "check", "--read-data")
    return [each.original for each in snapshots_of(one.copy)]


def test_a_copy_is_made_and_brought_up_to_date(server: Server) -> None:
    assert server.one.copy is None
    url = f"{server.elsewhere()}/{server.one.name}"
    server.copies_to(url)
    assert not is_copied(server.one)
    server.has("a", os.urandom(200_000))
    server.backup()
    assert copy(server.one) == {"to": url, "copied": 1, "snapshots": 1}
    assert is_copied(server.one)
    server.has("b", os.urandom(200_000))
    server.backup()
    assert copy(server.one) == {"to": url, "copied": 1, "snapshots": 2}
    assert copy(server.one)["copied"] == 0
    assert second(server.one) == [one.id for one in snapshots_of(server.one.repository)]
    polynomials = {
        json.loads(run(place, "cat", "config", "--no-lock"))["chunker_polynomial"]
        for place in (server.one.repository, server.one.copy)
        if place is not None
    }
    assert len(polynomials) == 1, "or what is the same would be kept twice"
    server.copies_to(url + "-moved")
    assert not is_copied(server.one)


def test_a_copy_that_is_out_of_reach_is_no_reason_to_make_another(server: Server) -> None:
    server.copies_to("rest:http://user:hunter2@127.0.0.1:9/oakfield")
    with pytest.raises(ResticError, match="connection refused"):
        copy(server.one)
    assert not is_copied(server.one)


def test_a_name_and_password_are_not_shown() -> None:
    assert shown("rest:https://user:hunter2@rest.example/x") == "rest:https://rest.example/x"
    assert shown("sftp:backup@nas:/x") == "sftp:backup@nas:/x"
    assert shown("s3:https://s3.example/bucket") == "s3:https://s3.example/bucket"


def test_no_secret_is_in_an_argument_list(server: Server) -> None:
    server.copies_to("rest:http://user:hunter2@127.0.0.1:9/oakfield", AWS_SECRET_ACCESS_KEY="s3cr")
    assert server.one.copy is not None
    for place in (server.one.repository, server.one.copy):
        words = " ".join(place.words("snapshots"))
        for secret in ("hunter2", "s3cr", "not-the-real-one", "another"):
            assert secret not in words
    environment = server.one.copy.process()["env"]
    assert isinstance(environment, dict)
    assert environment["AWS_SECRET_ACCESS_KEY"] == "s3cr"


@contextmanager
def rest_server(folder: Path, port: int) -> Iterator[None]:
    """Serve restic's REST protocol, as who asks with a name and a password may use it."""
    words = [
        "rclone", "serve", "restic", "--config", "/dev/null", "--addr", f"127.0.0.1:{port}",
        "--user", "user", "--pass", "hunter2", str(folder),
    ]  # fmt: skip
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


@pytest.mark.skipif(not shutil.which("rclone"), reason="there is no rclone")
def test_a_copy_by_rest(server: Server) -> None:
    port = _free_port()
    server.copies_to(f"rest:http://user:hunter2@127.0.0.1:{port}/oakfield")
    server.has("a", os.urandom(200_000))
    server.backup()
    with rest_server(server.elsewhere(), port):
        _until_there(port)
        said = copy(server.one)
        assert said == {"to": f"rest:http://127.0.0.1:{port}/oakfield", "copied": 1, "snapshots": 1}
        assert copy(server.one)["copied"] == 0
        assert second(server.one) == [one.id for one in snapshots_of(server.one.repository)]


@pytest.mark.skipif(os.geteuid() != 0 or not SSHD, reason="there is no sshd, or it is not root's")
def test_a_copy_by_sftp(server: Server) -> None:
    """As the role sets it up: the account's own key, and a host key that is known."""
    port, ssh = _free_port(), server.folder / "ssh"
    ssh.mkdir()
    for name in ("host", "own"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh / name))
    shutil.copy(ssh / "own.pub", ssh / "authorized_keys")
    host_key = (ssh / "host.pub").read_text()
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (ssh / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {ssh}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {ssh}/authorized_keys\nStrictModes no\nSubsystem sftp internal-sftp\n"
        "PermitRootLogin prohibit-password\n"
    )
    (ssh / "config").write_text(
        f"Host *\n IdentityFile {ssh}/own\n IdentitiesOnly yes\n BatchMode yes\n"
        f" StrictHostKeyChecking yes\n UserKnownHostsFile {ssh}/known_hosts\n"
    )
    shutil.chown(ssh / "own", ACCOUNT)
    account = pwd.getpwuid(0).pw_name
    there = server.elsewhere()
    server.copies_to(f"sftp:{account}@127.0.0.1:{there}/oakfield")
    plain = server.one
    assert plain.copy is not None
    # ssh looks for its settings where the account lives; nobody lives nowhere.
    command = f"ssh -F {ssh}/config -p {port} {account}@127.0.0.1 -s sftp"
    one = replace(plain, copy=replace(plain.copy, options=(f"sftp.command={command}",)))
    server.has("a", os.urandom(200_000))
    server.backup()
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-f", str(ssh / "sshd_config")]) as sshd:
        try:
            _until_there(port)
            assert copy(one)["copied"] == 1
            assert copy(one)["copied"] == 0
            assert second(one) == [each.id for each in snapshots_of(one.repository)]
            (ssh / "known_hosts").write_text("")
            with pytest.raises(ResticError):
                copy(one)
        finally:
            sshd.terminate()


need_age = pytest.mark.skipif(not shutil.which("age"), reason="there is no age")


def keeper(server: Server, name: str) -> str:
    """Make a key of somebody who keeps a key in escrow, and give its public half."""
    path = server.folder / name
    _run("age-keygen", "-o", str(path))
    return _run("age-keygen", "-y", str(path)).strip()


def opens(server: Server, name: str) -> bool:
    """Tell whether what is in escrow opens the repository, for who keeps it."""
    sealed = ciphertext(server.one)
    words = ["age", "--decrypt", "--identity", str(server.folder / name), str(sealed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        return False
    run(server.one.repository, "cat", "config", environment={"RESTIC_PASSWORD": done.stdout})
    return True


@need_age
def test_keys_are_in_escrow_with_those_who_are_named(server: Server) -> None:
    ann, ben = keeper(server, "ann"), keeper(server, "ben")
    assert not is_escrowed(server.one)
    assert not escrow(server.one, [])
    assert escrow(server.one, [ann], do_it=False)
    assert not is_escrowed(server.one)
    assert escrow(server.one, [ann])
    assert is_escrowed(server.one)
    assert not escrow(server.one, [ann])
    assert opens(server, "ann")
    assert not opens(server, "ben")
    assert ciphertext(server.one).stat().st_mode & 0o77 == 0
    first = ciphertext(server.one).read_bytes()
    assert escrow(server.one, [ben, ann])
    assert opens(server, "ann")
    assert opens(server, "ben")
    assert len(list((server.repository / "keys").iterdir())) == 2
    shutil.copy(ciphertext(server.one), server.folder / "new")
    ciphertext(server.one).write_bytes(first)
    with pytest.raises(ResticError, match="wrong password"):
        opens(server, "ann")  # the old key is gone from the repository
    shutil.copy(server.folder / "new", ciphertext(server.one))
    assert escrow(server.one, [])
    assert not is_escrowed(server.one)
    assert len(list((server.repository / "keys").iterdir())) == 1


@need_age
def test_a_key_that_was_made_halfway_is_made_anew(server: Server) -> None:
    ann = keeper(server, "ann")
    escrow(server.one, [ann])
    (server.folder / "state" / "escrow" / "oakfield.json").unlink()
    assert not is_escrowed(server.one)
    assert escrow(server.one, [ann])
    assert opens(server, "ann")
    assert len(list((server.repository / "keys").iterdir())) == 2


@need_age
def test_who_is_no_public_key_keeps_none(server: Server) -> None:
    for wrong in ("ann", "AGE-SECRET-KEY-1XXXXXXXXXXXXXXXXXXXXXXXXXXXX", "-R", ""):
        with pytest.raises(BackupFault, match="is no public key"):
            escrow(server.one, [wrong])
    with pytest.raises(BackupFault, match="age cannot encrypt"):
        escrow(server.one, ["age1" + "q" * 58])
    assert len(list((server.repository / "keys").iterdir())) == 1


@need_age
def test_an_ssh_key_can_keep_one(server: Server) -> None:
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(server.folder / "ssh-ann"))
    assert escrow(server.one, [(server.folder / "ssh-ann.pub").read_text().strip()])
    assert opens(server, "ssh-ann")


def _run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _until_there(port: int) -> None:
    for _ in range(100):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(port)
