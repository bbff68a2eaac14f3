"""A golden image of a real Debian, small: its kernel is that of virtual PCs."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ictops.imaging.images.restore import restore
from ictops.imaging.images.store import Version
from ictops.imaging.published import imaging_folder
from ictops.imaging.wire.manifest import Manifest
from ictops.operations.images import verify
from ictops.settings import Settings
from tests.support.golden import Golden

pytestmark = [pytest.mark.lab, pytest.mark.imaging]  # wants root, a mirror and a minute


@dataclass(frozen=True)
class Disk:
    """What came back from the store."""

    path: Path
    manifest: Manifest


@pytest.fixture(scope="module")
def disk(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """The image's disk, as the store gives it back."""
    done, folder = golden.published, tmp_path_factory.mktemp("image")
    assert done.stored == done.added < done.used / 2
    assert golden.said[0].startswith("installing debian bookworm")
    assert "comparing: 100 %" in golden.said
    settings = Settings(workspace=golden.imaging.parents[1], state_dir=Path("state"))
    looked, damages = verify(settings, None, None, lambda _: None)
    assert (looked, damages) == ([Version("classroom", "1")], [])
    store = imaging_folder(settings).store
    manifest, index = store.manifest(looked[0]), store.index(looked[0])
    assert (manifest.system, manifest.seed) == ("linux", "files")
    assert manifest.firmware == ("uefi", "bios")
    assert manifest.boot_code
    restore(manifest, index, store.pack, folder / "back", lambda _: None)
    root = manifest.partitions[-1]
    assert (root.filesystem, root.grow) == ("ext4", True)
    return Disk(folder / "back", manifest)


def ask(disk: Disk, question: str) -> str:
    """Ask debugfs, which needs no mount."""
    root = f"{disk.path}?offset={disk.manifest.partitions[-1].start}"
    done = subprocess.run(
        ["debugfs", "-R", question, root], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_ansible_can_log_in_once_it_has_a_key(disk: Disk) -> None:
    assert ask(disk, "cat /etc/sudoers.d/ictops") == "ictops ALL=(ALL) NOPASSWD: ALL\n"
    assert re.search(r"Mode: +0440", ask(disk, "stat /etc/sudoers.d/ictops"))
    assert "\nictops:!:" in ask(disk, "cat /etc/shadow")
    assert "Type: directory" in ask(disk, "stat /home/ictops")
    assert "Type: symlink" in ask(disk, "stat /usr/bin/python3")
    assert "Type: regular" in ask(disk, "stat /usr/lib/python3.11/shutil.py")
    assert "Type: symlink" in ask(
        disk, "stat /etc/systemd/system/multi-user.target.wants/ssh.service"
    )


def test_nothing_is_in_it_that_each_pc_has_of_its_own(disk: Disk) -> None:
    assert "ssh_host" not in ask(disk, "ls /etc/ssh")
    assert "Size: 0" in ask(disk, "stat /etc/machine-id")
    assert "hostname" not in ask(disk, "ls /etc").split()
    assert "random-seed" not in ask(disk, "ls /var/lib/systemd")
    assert "authorized_keys" not in ask(disk, "ls /home/ictops")


def test_it_boots_its_own_kernel(disk: Disk) -> None:
    config = ask(disk, "cat /boot/grub/grub.cfg")
    uuid = re.search(r"--set=root (\S+)", config)
    assert uuid
    assert f"linux /vmlinuz root=UUID={uuid[1]} ro quiet console=tty0 console=ttyS0" in config
    assert f"UUID={uuid[1]} / ext4" in ask(disk, "cat /etc/fstab")
    assert f"UUID: {uuid[1]}" in re.sub(r" +", " ", ask(disk, "show_super_stats -h"))
    for link in ("vmlinuz", "initrd.img"):
        target = re.search(r'"(boot/.*cloud-amd64)"', ask(disk, f"stat /{link}"))
        assert target
        assert "Type: regular" in ask(disk, f"stat /{target[1]}")
    assert "normal.mod" in ask(disk, "ls /boot/grub/i386-pc")


def test_loaders_are_those_of_the_release(disk: Disk) -> None:
    (esp,) = [one for one in disk.manifest.partitions if one.filesystem == "vfat"]
    listed = subprocess.run(
        ["mdir", "-b", "-/", "-i", f"{disk.path}@@{esp.start}", "::"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {
        "::/EFI/debian/shimx64.efi",
        "::/EFI/debian/grub.cfg",
        "::/EFI/BOOT/BOOTX64.EFI",
    } <= set(listed)
