"""A system becomes a host, and nothing outside of it is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.linux import adapt, inside, put, root_of
from ictops.imaging.wire.job import Adapt, SeedFile
from tests.support import images


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return images.tree(tmp_path / "root", files=0)


def test_links_stay_inside(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "up").symlink_to("../../../..")
    (root / "away").symlink_to(outside)
    (root / "etc/deep").symlink_to("../away/x")
    assert inside(root, "/up/etc/hosts") == root / "etc/hosts"
    for path in (f"/up{outside}/file", "/away/file", "/etc/deep/file"):
        put(root, path, "text", 0o644)
    assert not list(outside.iterdir())
    assert (root / str(outside).lstrip("/") / "file").read_text() == "text"


def test_a_last_link_is_replaced_and_not_followed(root: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (root / "etc/machine-id").unlink()
    (root / "etc/machine-id").symlink_to(victim)
    adapt(root, Adapt("pc-01"), "")
    assert victim.read_text() == "mine"
    assert (root / "etc/machine-id").read_text() == ""


@pytest.mark.parametrize("path", ["", "/", "etc/x", "/../x", "/etc/../../x", "/a\0b"])
def test_what_is_no_path_is_refused(root: Path, path: str) -> None:
    with pytest.raises(JobFailed, match="is no path"):
        put(root, path, "text", 0o644)


def test_links_in_a_circle_are_refused(root: Path) -> None:
    (root / "round").symlink_to("/round")
    with pytest.raises(JobFailed, match="circles"):
        put(root, "/round/x", "text", 0o644)


@pytest.mark.parametrize("path", ["/etc", "/etc/hosts/x"])
def test_folders_and_files_are_not_mixed_up(root: Path, path: str) -> None:
    with pytest.raises(JobFailed, match="folder"):
        put(root, path, "text", 0o644)


def test_an_account_that_is_not_there_is_told(root: Path) -> None:
    with pytest.raises(JobFailed, match="no account 'nobody'"):
        adapt(root, Adapt("pc-01", authorized_keys={"nobody": ("key",)}), "")


def test_a_home_is_made_for_its_owner(root: Path) -> None:
    (root / "home/ops").rmdir()
    adapt(root, Adapt("pc-01", authorized_keys={"ops": ("key",)}), "")
    for path, mode in (("home/ops", 0o755), ("home/ops/.ssh", 0o700)):
        found = (root / path).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1000, 1001, mode)
    assert (root / "home/ops/.ssh/authorized_keys").read_text() == "key\n"


def test_the_golden_images_keys_go(root: Path) -> None:
    (root / "etc/ssh/ssh_host_rsa_key").write_text("old")
    (root / "etc/ssh/ssh_host_rsa_key.pub").write_text("old")
    (root / "etc/ssh/sshd_config").write_text("kept")
    one = adapt(root, Adapt("pc-01"), "")
    two = adapt(root, Adapt("pc-01"), "")
    assert set(one).isdisjoint(two)
    names = sorted(path.name for path in (root / "etc/ssh").iterdir())
    assert names == [
        "ssh_host_ecdsa_key", "ssh_host_ecdsa_key.pub", "ssh_host_ed25519_key",
        "ssh_host_ed25519_key.pub", "sshd_config",
    ]  # fmt: skip
    assert (root / "etc/ssh/ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600


def test_a_secret_is_put_in_and_only_where_it_is_asked_for(root: Path) -> None:
    files = (SeedFile("/a/b/one", "x WORD", 0o600), SeedFile("/two", "x"))
    adapt(root, Adapt("pc-01", files=files, secret="WORD"), "hush")
    assert (root / "a/b/one").read_text() == "x hush"
    assert (root / "a/b/one").stat().st_mode & 0o777 == 0o600
    assert (root / "two").read_text() == "x"


def test_a_system_in_a_subvolume_is_found(root: Path, tmp_path: Path) -> None:
    assert root_of(root) == root
    root.rename(tmp_path / "@rootfs")
    assert root_of(tmp_path) == tmp_path / "@rootfs"
    assert root_of(tmp_path / "@rootfs/etc") is None
