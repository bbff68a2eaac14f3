from __future__ import annotations

import dataclasses
import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ictops.imaging import unattend
from ictops.imaging.agent import hive, ntfs, windows
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import Adapt, SeedFile
from tests.support import windows as synthetic

SECRET = "QWxhZGRpbjpvcGVu&<sesame>=="
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEB ictops"
ANSWERS = unattend.Answers(host_name="LAB-07", administrator="ictops", join=True)
WANTED = Adapt(
    host_name="LAB-07",
    authorized_keys={"ictops": (KEY,)},
    files=unattend.files(ANSWERS),
    secret=unattend.SECRET,
    random=unattend.RANDOM,
)


def adapt(volume: Path, wanted: Adapt = WANTED, secret: str = SECRET) -> windows.Written:
    return windows.adapt(
        volume, wanted, image="win11/2026.11.28-1", model="Latitude 5440",
        secret=lambda: secret, get=nothing,
    )  # fmt: skip


def nothing(path: str, most: int) -> bytes:
    pytest.fail(f"{path} is not wanted")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    return synthetic.volume(tmp_path / "volume", tmp_path, size=48 * 2**20)


@pytest.fixture
def adapted(volume: Path) -> Iterator[Path]:
    adapt(volume)
    with ntfs.mounted(volume) as root:
        yield root


def value(xml: bytes, name: str) -> str | None:
    return ET.fromstring(xml).findtext(  # noqa: S314
        f".//{{urn:schemas-microsoft-com:unattend}}{name}"
    )


def test_the_answer_file_has_what_only_the_pc_is_told(adapted: Path) -> None:
    xml = (adapted / "Windows/Panther/unattend.xml").read_bytes()
    assert value(xml, "ComputerName") == "LAB-07"
    assert value(xml, "AccountData") == SECRET
    password = value(xml, "Password/{*}Value")
    assert password is not None
    assert len(password) > 32
    assert unattend.RANDOM not in password


def test_what_setup_would_read_first_is_gone(adapted: Path) -> None:
    assert not list((adapted / "Windows/Panther/Unattend").iterdir())


def test_the_registry_says_which_host_and_image_it_is(adapted: Path) -> None:
    software = adapted / synthetic.SOFTWARE
    assert hive.get(software, "ictops", "HostName") == "LAB-07"
    assert hive.get(software, "ictops", "Image") == "win11"
    assert hive.get(software, "ictops", "Version") == "2026.11.28-1"
    assert hive.get(software, "Microsoft\\Other", "Kept") == "yes"


def test_a_second_time_gives_another_host(volume: Path) -> None:
    first = adapt(volume)
    wanted = dataclasses.replace(WANTED, host_name="LAB-08", files=())
    second = adapt(volume, dataclasses.replace(wanted, secret=None))
    assert first.host_keys != second.host_keys
    with ntfs.mounted(volume) as root:
        assert hive.get(root / synthetic.SOFTWARE, "ictops", "HostName") == "LAB-08"


def test_host_keys_are_made_and_the_reference_pcs_are_gone(volume: Path) -> None:
    written = adapt(volume)
    with ntfs.mounted(volume) as root:
        ssh = root / "ProgramData/ssh"
        assert sorted(one.name for one in ssh.iterdir()) == [
            "administrators_authorized_keys", "ssh_host_ed25519_key", "ssh_host_ed25519_key.pub",
        ]  # fmt: skip
        assert (ssh / "administrators_authorized_keys").read_text() == f"{KEY}\n"
        private = (ssh / "ssh_host_ed25519_key").read_bytes()
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", "/dev/stdin"], input=private, capture_output=True, check=True
    ).stdout.decode()
    assert written.host_keys[0].split()[:2] == derived.split()[:2]


@pytest.mark.parametrize(
    "name",
    [
        "ProgramData/ssh/ssh_host_ed25519_key",
        "ProgramData/ssh/administrators_authorized_keys",
        "Windows/Panther/unattend.xml",
    ],
)
def test_only_the_system_and_administrators_may_read(adapted: Path, name: str) -> None:
    sddl = os.getxattr(adapted / name, "system.ntfs_acl")
    system = bytes.fromhex("010100000000000512000000")
    administrators = bytes.fromhex("01020000000000052000000020020000")
    everyone = bytes.fromhex("010100000000000100000000")
    assert system in sddl
    assert administrators in sddl
    assert everyone not in sddl
    assert int.from_bytes(sddl[2:4], "little") & 0x1000, "it inherits nothing"


def test_the_secret_is_in_the_answer_file_and_nowhere_else(
    volume: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []

    class Seen(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            started.append(repr((words, options)))
            super().__init__(*words, **options)

    monkeypatch.setattr(subprocess, "Popen", Seen)
    adapt(volume, secret="abcdefgh-one-time-12345678")
    assert volume.read_bytes().count(b"abcdefgh-one-time-12345678") == 1
    assert any("lowntfs-3g" in one for one in started)
    assert not any("abcdefgh" in one for one in started)
    assert "abcdefgh" not in "".join(capfd.readouterr())


def test_the_secret_is_not_asked_for_when_the_image_is_refused(tmp_path: Path) -> None:
    volume = synthetic.volume(tmp_path / "volume", tmp_path, state="IMAGE_STATE_COMPLETE")
    with pytest.raises(JobFailed, match="not generalized") as caught:
        windows.adapt(
            volume, WANTED, image="win11/1", model="", get=nothing,
            secret=lambda: pytest.fail("it is given only once"),
        )  # fmt: skip
    assert caught.value.kind == "image-damaged"
    assert "sysprep" in caught.value.do


def test_a_state_file_that_says_otherwise_is_refused(tmp_path: Path) -> None:
    other = "[State]\r\nImageState=IMAGE_STATE_UNDEPLOYABLE\r\n".encode("utf-16")
    volume = synthetic.volume(
        tmp_path / "volume", tmp_path, more={"Windows/Setup/State/State.ini": other}
    )
    with pytest.raises(JobFailed, match="UNDEPLOYABLE"):
        adapt(volume)


@pytest.mark.parametrize(
    ("at", "data", "why"),
    [
        (0, b"nope", "no registry hive"),
        (4, b"\7", "not finished"),
        (4096, bytes(4096), "cannot be used"),
        (0x1000 + 0x50, b"\xff" * 200, "cannot be used"),
    ],
)
def test_a_broken_hive_is_refused(tmp_path: Path, at: int, data: bytes, why: str) -> None:
    good = tmp_path / "good"
    synthetic.hive(good, {synthetic.STATE_KEY: {"ImageState": synthetic.GENERALIZED}})
    broken = bytearray(good.read_bytes())
    broken[at : at + len(data)] = data
    volume = synthetic.volume(
        tmp_path / "volume", tmp_path, more={synthetic.SOFTWARE: bytes(broken)}
    )
    with pytest.raises(JobFailed, match=why) as caught:
        adapt(volume)
    assert caught.value.kind == "image-damaged"


def test_an_answer_file_of_the_images_own_is_refused(tmp_path: Path) -> None:
    volume = synthetic.volume(
        tmp_path / "volume", tmp_path, system={"Setup": {"UnattendFile": "C:\\mine.xml"}}
    )
    with pytest.raises(JobFailed, match=r"mine\.xml"):
        adapt(volume)


def test_keys_for_a_windows_without_ssh_are_refused(tmp_path: Path) -> None:
    volume = synthetic.volume(tmp_path / "volume", tmp_path, openssh=False)
    with pytest.raises(JobFailed, match="OpenSSH"):
        adapt(volume)
    assert adapt(volume, dataclasses.replace(WANTED, authorized_keys={})).host_keys == ()


@pytest.mark.parametrize(
    "path",
    ["../etc/passwd", "Windows/../../x", "Windows/a:stream", "link/x", "", "a//b", "C:\\x"],
)
def test_a_path_that_leads_elsewhere_is_refused(volume: Path, tmp_path: Path, path: str) -> None:
    with ntfs.mounted(volume) as root:
        (root / "link").symlink_to("/etc")
    wanted = dataclasses.replace(WANTED, files=(*WANTED.files, SeedFile(path, "x")))
    with pytest.raises(JobFailed) as caught:
        adapt(volume, wanted)
    assert caught.value.kind == "job-refused"


@pytest.mark.parametrize(
    ("path", "size", "why"),
    [("Windows/CON", 1, "Invalid argument"), ("Windows/large", 50 * 2**20, "No space left")],
)
def test_what_the_volume_does_not_take_is_said(
    volume: Path, path: str, size: int, why: str
) -> None:
    files = (*WANTED.files, SeedFile(path, "x" * size))
    wanted = dataclasses.replace(WANTED, files=files)
    with pytest.raises(JobFailed, match="cannot be read or written") as caught:
        adapt(volume, wanted)
    assert why in caught.value.what
    assert caught.value.kind == "job-refused"


@pytest.mark.parametrize("name", ["LAB-07\ncommit", "a" * 16, "12345", "x y", "-x", "x.y", ""])
def test_a_name_that_windows_cannot_have_is_refused(volume: Path, name: str) -> None:
    before = volume.read_bytes()
    with pytest.raises(JobFailed, match="no name for a Windows computer"):
        adapt(volume, dataclasses.replace(WANTED, host_name=name))
    assert volume.read_bytes() == before


def test_a_secret_with_no_place_or_two_is_refused(volume: Path) -> None:
    for files in ((), WANTED.files * 2):
        with pytest.raises(JobFailed, match="written once"):
            adapt(volume, dataclasses.replace(WANTED, files=files))


def test_a_volume_that_is_no_ntfs_is_refused_in_plain_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with empty.open("wb") as file:
        file.truncate(2**20)
    with pytest.raises(JobFailed, match="cannot be opened") as caught:
        adapt(empty)
    assert caught.value.kind == "image-damaged"


def test_nothing_stays_mounted_after_a_failure(tmp_path: Path) -> None:
    volume = synthetic.volume(tmp_path / "volume", tmp_path, state="IMAGE_STATE_COMPLETE")
    with pytest.raises(JobFailed):
        adapt(volume)
    assert str(volume) not in Path("/proc/self/mounts").read_text()


def test_the_images_own_script_is_replaced_and_said(tmp_path: Path) -> None:
    volume = synthetic.volume(
        tmp_path / "volume", tmp_path, more={"Windows/Setup/Scripts/setupcomplete.CMD": b"own"}
    )
    assert adapt(volume).notes == (f"{unattend.COMPLETE} of the image was replaced",)
    with ntfs.mounted(volume) as root:
        scripts = list((root / "Windows/Setup/Scripts").iterdir())
        assert len(scripts) == 1
        assert b"\r\n" in scripts[0].read_bytes()
