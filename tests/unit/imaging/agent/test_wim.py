from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ictops.imaging.agent import ntfs, wim
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.wimstream import differences, entries, joined, unpack
from ictops.imaging.images import wim as store
from ictops.imaging.wire.strict import NotAsAgreed
from tests.support import windows as synthetic

LARGE = bytes(range(255, -1, -1)) * 2000


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("source")
    source = synthetic.volume(folder / "volume", folder, more={"Users/Großes/Bild.bin": LARGE})
    with ntfs.mounted(source) as root:
        ntfs.write(root, "Windows/private.txt", b"for administrators")
        os.setxattr(root / "Windows/explorer.exe", "user.Zone.Identifier", b"[ZoneTransfer]")
        (root / "Windows/same.exe").hardlink_to(root / "Windows/explorer.exe")
        (root / "Windows/way").symlink_to("explorer.exe")
        (root / "Windows/empty").touch()
    with store.captured(source) as stream:
        return list(store.cut(stream.read))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    at = tmp_path / "target"
    with at.open("wb") as file:
        file.truncate(80 * 2**20)
    return at


def test_a_volume_comes_back_as_it_was(chunks: list[bytes], target: Path) -> None:
    wanted = wim.apply(chunks, target, start=2**20, label="Windows")
    wim.verify(target, wanted)
    ntfs.check(target)
    with ntfs.mounted(target) as root:
        assert (root / "Users/Großes/Bild.bin").read_bytes() == LARGE
        assert os.getxattr(root / "Windows/private.txt", "system.ntfs_acl") == ntfs.PRIVATE
        assert os.getxattr(root / "Windows/same.exe", "user.Zone.Identifier") == b"[ZoneTransfer]"
        assert (root / "Windows/same.exe").stat().st_nlink == 2
        assert str((root / "Windows/way").readlink()) == "explorer.exe"


def test_the_boot_sector_says_where_the_volume_is(chunks: list[bytes], target: Path) -> None:
    wim.apply(chunks, target, start=123 * 2**20, label="Windows")
    head = target.read_bytes()[:64]
    assert head[3:7] == b"NTFS"
    assert int.from_bytes(head[0x1C:0x20], "little") == 123 * 2**20 // 512


@pytest.mark.parametrize(
    "harm",
    [
        lambda root: (root / "Windows/explorer.exe").write_bytes(b"other"),
        lambda root: (root / "Windows/empty").unlink(),
        lambda root: (root / "Windows/more").touch(),
        lambda root: os.setxattr(root / "Windows/empty", "user.stream", b"x"),
        lambda root: os.setxattr(root / "Windows/empty", "system.ntfs_acl", ntfs.PRIVATE),
        lambda root: os.setxattr(root / "Windows/empty", "system.ntfs_attrib", b"\2\0\0\0"),
    ],
)
def test_what_was_read_back_otherwise_is_found(
    chunks: list[bytes], target: Path, harm: Callable[[Path], None]
) -> None:
    wanted = wim.apply(chunks, target, start=2**20, label="Windows")
    with ntfs.mounted(target) as root:
        harm(root)
    with pytest.raises(JobFailed, match="read back otherwise") as caught:
        wim.verify(target, wanted)
    assert caught.value.kind == "disk-failing"


def test_one_wrong_byte_of_a_file_is_found(chunks: list[bytes], target: Path) -> None:
    wanted = wim.apply(chunks, target, start=2**20, label="Windows")
    at = target.read_bytes().find(LARGE[:4096])
    with target.open("r+b") as file:
        file.seek(at + 1234)
        file.write(b"\xff\xfe")
    with pytest.raises(JobFailed, match=r"Bild\.bin"):
        wim.verify(target, wanted)


def _cut_off(chunks: list[bytes]) -> Iterator[bytes]:
    yield from chunks[:-3]


def _changed(chunks: list[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.replace(LARGE[:512], LARGE[1:513])


def _no_wim(chunks: list[bytes]) -> Iterator[bytes]:
    yield b"no WIM" * 100


@pytest.mark.parametrize("harm", [_cut_off, _changed, _no_wim])
def test_a_damaged_stream_is_refused(
    chunks: list[bytes], target: Path, harm: Callable[[list[bytes]], Iterator[bytes]]
) -> None:
    with pytest.raises(JobFailed):
        wim.apply(harm(chunks), target, start=2**20, label="Windows")


def test_a_server_that_is_gone_is_said_as_it_is(chunks: list[bytes], target: Path) -> None:
    def gone() -> Iterator[bytes]:
        yield chunks[0]
        raise JobFailed("server-gone", "no answer")

    with pytest.raises(JobFailed, match="no answer") as caught:
        wim.apply(gone(), target, start=2**20, label="Windows")
    assert caught.value.kind == "server-gone"


def test_a_volume_that_is_too_small_is_said(chunks: list[bytes], tmp_path: Path) -> None:
    small = tmp_path / "small"
    with small.open("wb") as file:
        file.truncate(1200 * 1024)
    with pytest.raises(JobFailed, match="wimlib") as caught:
        wim.apply(chunks, small, start=2**20, label="Windows")
    assert caught.value.kind == "disk-failing"


def test_a_compressed_wim_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(LARGE)
    made = tmp_path / "made.wim"
    subprocess.run(
        ["wimlib-imagex", "capture", tmp_path / "tree", made, "--pipable"],
        check=True, capture_output=True,
    )  # fmt: skip
    with made.open("rb") as file, pytest.raises(NotAsAgreed, match="compressed"):
        entries(file.read)


def test_metadata_that_are_damaged_are_refused(chunks: list[bytes]) -> None:
    wanted = entries(joined(chunks))
    some = next(iter(wanted.values()))
    assert differences(wanted, {**wanted, "": dataclasses.replace(some, attributes=1)}) == ["/"]
    with pytest.raises(NotAsAgreed):
        unpack(b"\x10\0\0\0\xff\xff\xff\x7f")
