"""The vault's password from wherever it is kept, and the secrets that it opens."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import keyring
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from ictops.errors import TrustError
from ictops.settings import Settings, VaultSettings
from ictops.trust.vault import vault_password, write_vault_client
from ictops.trust.vaulted import inventory_files, vault_secrets

PASSWORD = b"opens the vault"


def encrypted(text: str | bytes, password: bytes = PASSWORD, vault_id: str | None = None) -> str:
    library = VaultLib([(vault_id or "default", VaultSecret(password))])
    return library.encrypt(text, vault_id=vault_id).decode()


def inline(text: str, *, tag: str = "!vault", **how) -> str:
    lines = encrypted(text, **how).splitlines()
    return f"{tag} |\n" + "".join(f"    {line}\n" for line in lines)


def settings(workspace: Path, **vault) -> Settings:
    return Settings(workspace=workspace, vault=VaultSettings(**vault))


# -- the password -------------------------------------------------------------


def test_no_vault_is_set(tmp_path):
    assert vault_password(settings(tmp_path)) is None


def test_the_password_from_a_file_beside_the_settings(tmp_path):
    (tmp_path / "pw").write_bytes(PASSWORD + b"\n")
    (tmp_path / "pw").chmod(0o600)
    assert vault_password(settings(tmp_path, password_file="pw")) == PASSWORD
    (tmp_path / "pw").chmod(0o640)
    assert vault_password(settings(tmp_path, password_file="pw")) == PASSWORD, "a team's group may"


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (PASSWORD, 0o644, "everybody on this machine can read"),
        (PASSWORD, 0o602, "everybody"),
        (b"", 0o600, "password is empty"),
        (b" \n", 0o600, "password is empty"),
        (b"#!/bin/sh\necho pw\n", 0o700, "is a script"),
        (None, 0o600, "cannot be read: No such file"),
    ],
)
def test_password_files_that_are_refused(tmp_path, content, mode, says):
    if content is not None:
        (tmp_path / "pw").write_bytes(content)
        (tmp_path / "pw").chmod(mode)
    with pytest.raises(TrustError, match=says) as caught:
        vault_password(settings(tmp_path, password_file="pw"))
    assert str(tmp_path / "pw") in str(caught.value)
    assert "opens the vault" not in str(caught.value)


class InMemory(KeyringBackend):
    priority = 1
    locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the keyring is locked")
        return PASSWORD.decode() if (service, username) == ("ictops", "vault") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def own_keyring():
    before, mine = keyring.get_keyring(), InMemory()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_the_password_from_a_keyring(tmp_path, own_keyring):
    assert vault_password(settings(tmp_path, keyring="ictops/vault")) == PASSWORD
    with pytest.raises(TrustError, match="'keyring set ictops anna'"):
        vault_password(settings(tmp_path, keyring="ictops/anna"))
    with pytest.raises(TrustError, match="SERVICE/USER"):
        vault_password(settings(tmp_path, keyring="ictops"))
    own_keyring.locked = True
    with pytest.raises(TrustError, match="cannot be used: the keyring is locked"):
        vault_password(settings(tmp_path, keyring="ictops/vault"))


def test_a_machine_without_a_keyring(tmp_path):
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        with pytest.raises(TrustError, match=r"cannot be used.*vault\.password_file") as caught:
            vault_password(settings(tmp_path, keyring="ictops/vault"))
    finally:
        keyring.set_keyring(before)
    assert "Traceback" not in str(caught.value)


def test_the_password_from_a_command_in_the_workspace(tmp_path):
    (tmp_path / "pw").write_bytes(PASSWORD + b"\n")
    assert vault_password(settings(tmp_path, command=["cat", "pw"])) == PASSWORD


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["sh", "-c", "echo opens the vault; echo opens the vault >&2; exit 3"], "ended with 3"),
        (["no-such-command"], "No such file"),
        (["true"], "password is empty"),
        ([], r"vault\.command is empty"),
    ],
)
def test_a_command_that_fails_says_nothing_of_what_it_printed(tmp_path, command, says):
    with pytest.raises(TrustError, match=says) as caught:
        vault_password(settings(tmp_path, command=command))
    assert "opens the vault" not in str(caught.value)


def test_the_client_that_ansible_calls_holds_no_secret_and_is_private(tmp_path, monkeypatch):
    (tmp_path / "pw").write_bytes(PASSWORD)
    (tmp_path / "pw").chmod(0o600)
    (tmp_path / "ictops.toml").write_text('[vault]\npassword_file = "pw"\n')
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job").mkdir()
    client = write_vault_client(tmp_path / "job", settings(tmp_path))
    assert stat.S_IMODE(client.stat().st_mode) == 0o700
    assert PASSWORD.decode() not in client.read_text()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    environment.pop("ICTOPS_CONFIG", None)
    done = subprocess.run([client], cwd="/", env=environment, capture_output=True, check=True)
    assert done.stdout == PASSWORD


# -- what it opens ------------------------------------------------------------


def test_every_value_of_a_vaulted_file_and_no_name(tmp_path):
    path = tmp_path / "vault.yml"
    text = (
        "---\n# a comment-in-clear\nadmin_password: s3cret-one\n"
        "accounts: {anna: [s3cret-two], pin: 0042, hex: 0x10, day: 2026-10-26, on: true, none: ~}\n"
        "key: |\n  line-one\n  line-two\nshared: &a s3cret-three\nagain: *a\n"
        "bound: !unsafe s3cret-{{four}}\ninner: " + inline("s3cret-five", password=PASSWORD)
    )
    path.write_text(encrypted(text))
    found = vault_secrets([path], PASSWORD)
    assert found == {
        "s3cret-one", "s3cret-two", "s3cret-three", "s3cret-{{four}}", "s3cret-five",
        "0042", "34", "0x10", "16", "2026-10-26", "line-one\nline-two\n",
    }  # fmt: skip


def test_single_values_in_yaml_and_json(tmp_path):
    site = tmp_path / "site.yml"
    site.write_text(f"plain: not hidden\nmine: {inline('s3cret-one')}")
    listed = tmp_path / "list"
    listed.write_text("- a: x\n- c: " + inline("s3cret-two", tag="!vault-encrypted"))
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"d": {"__ansible_vault": encrypted("s3cret-three")}}))
    found = vault_secrets([site, listed, data], PASSWORD)
    assert found == {"s3cret-one", "s3cret-two", "s3cret-three"}


def test_a_file_that_is_no_variables_is_one_secret(tmp_path):
    key = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n"
    (tmp_path / "key.pem").write_text(encrypted(key))
    (tmp_path / "token").write_text(encrypted("just-a-token"))
    (tmp_path / "cert.p12").write_text(encrypted(b"\xff\x00binary"))
    found = vault_secrets([tmp_path / "key.pem", tmp_path / "token"], PASSWORD)
    assert found == {key, "just-a-token"}
    assert vault_secrets([tmp_path / "cert.p12"], PASSWORD), "it is opened, whatever is in it"


def test_whatever_vault_id_the_header_names_one_password_is_tried(tmp_path):
    path = tmp_path / "vault.yml"
    path.write_text(encrypted("a: s3cret-one\n", vault_id="oakfield"))
    assert ";oakfield" in path.read_text().splitlines()[0]
    other = tmp_path / "inline.yml"
    other.write_text("b: " + inline("s3cret-two", vault_id="rowan"))
    assert vault_secrets([path, other], PASSWORD) == {"s3cret-one", "s3cret-two"}


@pytest.mark.parametrize("form", ["whole", "inline", "damaged"])
def test_a_file_that_the_password_does_not_open_is_named(tmp_path, form):
    path = tmp_path / "vault.yml"
    if form == "whole":
        path.write_text(encrypted("a: s3cret\n", password=b"another"))
    elif form == "inline":
        path.write_text("a: " + inline("s3cret", password=b"another"))
    else:
        path.write_text(encrypted("a: s3cret\n")[:200])
    with pytest.raises(TrustError, match="does not open this file") as caught:
        vault_secrets([path], PASSWORD)
    assert caught.value.where == str(path)
    with pytest.raises(TrustError, match="the settings name no password") as caught:
        vault_secrets([path], None)
    assert caught.value.where == str(path)


def test_files_without_a_vault_need_no_password(tmp_path):
    (tmp_path / "readme.md").write_text("a file begins with $ANSIBLE_VAULT;1.1\n")
    (tmp_path / "broken.yml").write_text("a: [ # $ANSIBLE_VAULT;\n")
    (tmp_path / "bombs.yml").write_text("a: &a [x, x]\nb: &b [*a, *a]\n# $ANSIBLE_VAULT;\n")
    assert vault_secrets(tmp_path.iterdir(), None) == set()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(TrustError, match="cannot be read") as caught:
        vault_secrets([tmp_path / "none.yml"], PASSWORD)
    assert caught.value.where == str(tmp_path / "none.yml")


def test_only_what_ansible_reads_for_the_site_is_opened(tmp_path):
    source = tmp_path / "oakfield.yml"
    source.write_text("site_oakfield:\n  children:\n    room:\n      hosts: {ws-01: {}}\n")
    files = {
        "group_vars/all.yml": False,  # the folder all/ is read in its place
        "group_vars/all/deep/vault.yml": True,
        "group_vars/site_oakfield.yml": True,
        "group_vars/room/vault": True,
        "group_vars/site_rowan.yml": False,
        "host_vars/ws-01.yml": True,
        "host_vars/ws-99.yml": False,
        "calendars/a.ics": False,
    }
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    wanted = {tmp_path / name for name, read in files.items() if read}
    assert set(inventory_files(source)) == {source, *wanted}
