from __future__ import annotations

import io
import random
import subprocess
from pathlib import Path

import pytest

from ictops.imaging.agent import ntfs
from ictops.imaging.agent.wimstream import entries
from ictops.imaging.images import wim
from ictops.imaging.images.wim import WimError
from ictops.imaging.wire.words import digest_of
from tests.support import windows as synthetic


def chunks(source: Path) -> list[bytes]:
    with wim.captured(source) as stream:
        return list(wim.cut(stream.read))


def tree(folder: Path, *, seed: int = 1, count: int = 120) -> Path:
    chance = random.Random(seed)
    for number in range(count):
        at = folder / f"Windows/d{number % 7}/f{number}"
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(chance.randbytes(chance.choice((300, 5000, 40_000, 150_000))))
    return folder


def test_chunks_are_the_stream(tmp_path: Path) -> None:
    whole = b"".join(chunks(tree(tmp_path / "tree")))
    found = list(wim.cut(io.BytesIO(whole).read))
    assert len(found) > 20
    assert b"".join(found) == whole
    assert max(map(len, found)) <= wim.LARGEST
    assert "/Windows/d1/f1" in entries(io.BytesIO(whole).read)


def test_a_second_version_has_little_new(tmp_path: Path) -> None:
    folder = tree(tmp_path / "tree")
    first = chunks(folder)
    (folder / "Windows/d0/f0").write_bytes(b"changed" * 20)
    (folder / "Windows/AAA-new").write_bytes(random.Random(2).randbytes(30_000))
    (folder / "Windows/d3/f3").unlink()
    second = chunks(folder)
    have = {digest_of(one) for one in first}
    new = sum(len(one) for one in second if digest_of(one) not in have)
    assert new < 0.12 * sum(map(len, second))


@pytest.mark.parametrize("kind", ["LZX", "LZMS", "solid"])
@pytest.mark.parametrize("image", ["2", "Education"])
def test_an_image_of_a_file_is_imported(tmp_path: Path, kind: str, image: str) -> None:
    made = tmp_path / "install.wim"
    options = ["--solid"] if kind == "solid" else [f"--compress={kind}"]
    for verb, name in (("capture", "Home"), ("append", "Education")):
        folder = tree(tmp_path / name, seed=len(name), count=12)
        (folder / name).write_text(name)
        subprocess.run(
            ["wimlib-imagex", verb, folder, made, name, *(options if verb == "capture" else [])],
            check=True, capture_output=True,
        )  # fmt: skip
    with wim.imported(made, image) as stream:
        found = entries(stream.read)
    assert "/Education" in found
    assert "/Home" not in found


def test_an_image_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    made = tmp_path / "install.wim"
    subprocess.run(
        ["wimlib-imagex", "capture", tree(tmp_path / "tree", count=2), made, "Home"],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(WimError, match="1 Home"), wim.imported(made, "Pro"):
        pytest.fail("there is none")
    (tmp_path / "none").write_text("no WIM")
    with pytest.raises(WimError, match="header"), wim.imported(tmp_path / "none", "1"):
        pytest.fail("there is none")


def test_what_cannot_be_captured_is_said(tmp_path: Path) -> None:
    with pytest.raises(WimError, match="capture"):
        chunks(tmp_path / "none")


def test_a_volume_is_captured_with_its_descriptors(tmp_path: Path) -> None:
    volume = synthetic.volume(tmp_path / "volume", tmp_path)
    with ntfs.mounted(volume) as root:
        ntfs.write(root, "Windows/secret", b"x")
    with wim.captured(volume) as stream:
        assert entries(stream.read)["/Windows/secret"].security == ntfs.PRIVATE
