from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.agent import drivers, ntfs, windows
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.images.drivers import DriversError, find, publish
from ictops.imaging.wire.drivers import LIST, read_list
from ictops.imaging.wire.job import Adapt
from ictops.imaging.wire.words import digest_of
from tests.support import windows as synthetic

FOLDERS = {
    "*": "any",
    "Latitude *": "latitude",
    "Latitude 5440": "5440",
    "Latitude 54*": "54xx",
    "HP EliteDesk 800 G? [x]": "hp",
}


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("Latitude 5440", "5440"),
        ("latitude  5440 ", "5440"),
        ("Latitude 5441", "54xx"),
        ("Latitude 7000", "latitude"),
        ("ThinkCentre", "any"),
        ("HP EliteDesk 800 G? [x]", "hp"),
        ("HP EliteDesk 800 G1 x", "any"),
    ],
)
def test_what_says_most_of_the_model_is_chosen(model: str, folder: str) -> None:
    assert drivers.choose(model, FOLDERS) == folder
    assert drivers.choose(model, dict(reversed(FOLDERS.items()))) == folder


def test_a_model_that_nothing_fits_has_no_drivers() -> None:
    assert drivers.choose("ThinkCentre", {"Latitude *": "x"}) is None


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=8), st.just("x"), max_size=4))
def test_any_words_can_be_a_pattern(model: str, folders: dict[str, str]) -> None:
    assert drivers.choose(model, {**folders, "*": "any"}) in {"x", "any"}


def nothing(path: str, most: int) -> bytes:
    pytest.fail(f"{path} is not wanted")


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, str]:
    source = tmp_path / "unpacked"
    (source / "net").mkdir(parents=True)
    (source / "net/e1d.inf").write_text("[Version]\r\n")
    (source / "net/e1d 64.sys").write_bytes(bytes(range(256)) * 40)
    return tmp_path / "store", publish(source, tmp_path / "store", "latitude-5440")


def put(tmp_path: Path, store: Path, folder: str) -> windows.Written:
    volume = synthetic.volume(tmp_path / "volume", tmp_path)

    def get(path: str, most: int) -> bytes:
        return (store / path).read_bytes()

    wanted = Adapt("LAB-07", drivers={"Latitude *": folder})
    return windows.adapt(
        volume, wanted, image="win11/1", model="Latitude 5440", secret=str, get=get
    )


def test_drivers_come_onto_the_volume(tmp_path: Path, published: tuple[Path, str]) -> None:
    assert put(tmp_path, *published).drivers == 2
    with ntfs.mounted(tmp_path / "volume") as root:
        folder = root / windows.DRIVERS / "net"
        assert (folder / "e1d 64.sys").read_bytes() == bytes(range(256)) * 40
        assert (folder / "e1d.inf").read_text() == "[Version]\n"


@pytest.mark.parametrize("name", ["net/e1d 64.sys", LIST])
def test_a_driver_that_was_changed_is_refused(
    tmp_path: Path, published: tuple[Path, str], name: str
) -> None:
    store, folder = published
    at = store / "drivers" / folder / name
    at.write_bytes(at.read_bytes()[:-1] + b"X")
    with pytest.raises(JobFailed, match="drivers cannot be used") as caught:
        put(tmp_path, store, folder)
    assert caught.value.kind == "image-damaged"


def test_a_list_that_leads_out_of_the_volume_is_refused(tmp_path: Path) -> None:
    with ntfs.mounted(synthetic.volume(tmp_path / "volume", tmp_path)) as root:
        listed = f"{digest_of(b'x').hex()} 1 ../../evil\n".encode()
        folder = f"x/{digest_of(listed).hex()}"
        files = {f"drivers/{folder}/list": listed, f"drivers/{folder}/../../evil": b"x"}
        with pytest.raises(JobFailed, match="no path"):
            drivers.put(root, windows.DRIVERS, folder, lambda path, _: files[path])


def test_a_pc_without_drivers_is_said(tmp_path: Path) -> None:
    volume = synthetic.volume(tmp_path / "volume", tmp_path)
    wanted = Adapt("LAB-07", drivers={"Optiplex*": f"x/{'0' * 64}"})
    written = windows.adapt(
        volume, wanted, image="win11/1", model="Latitude 5440", secret=str, get=nothing
    )
    assert written.notes == ("there are no drivers for Latitude 5440",)


def test_the_same_drivers_are_published_once(tmp_path: Path, published: tuple[Path, str]) -> None:
    store, folder = published
    at = store / "drivers" / folder / "net/e1d.inf"
    first = at.stat().st_ino
    assert publish(tmp_path / "unpacked", store, "latitude-5440") == folder
    assert at.stat().st_ino == first
    at.write_text("damaged")
    assert publish(tmp_path / "unpacked", store, "latitude-5440") == folder
    assert at.read_bytes() == b"[Version]\r\n"
    assert [one.name for one in (store / "drivers/latitude-5440").iterdir()] == [Path(folder).name]


def test_a_name_has_the_drivers_that_were_published_last(
    tmp_path: Path, published: tuple[Path, str]
) -> None:
    store, old = published
    assert find(store, "latitude-5440") == old
    (tmp_path / "unpacked/net/e1d.inf").write_text("[Version] newer")
    new = publish(tmp_path / "unpacked", store, "latitude-5440")
    assert new != old
    assert find(store, "latitude-5440") == new
    assert not (store / "drivers" / old).exists()
    with pytest.raises(DriversError, match=r"no drivers 'optiplex'. There are latitude-5440"):
        find(store, "optiplex")
    with pytest.raises(DriversError, match=r"no drivers '\.\./x'"):
        find(store, "../x")


def test_what_no_windows_can_have_is_not_published(tmp_path: Path) -> None:
    source = tmp_path / "unpacked"
    source.mkdir()
    with pytest.raises(DriversError, match=r"\.inf"):
        publish(source, tmp_path / "store", "x")
    (source / "a.inf").symlink_to("/etc/passwd")
    with pytest.raises(DriversError, match="no plain file"):
        publish(source, tmp_path / "store", "x")
    (source / "a.inf").unlink()
    (source / "a:b.inf").write_text("x")
    with pytest.raises(DriversError, match="no name"):
        publish(source, tmp_path / "store", "x")
    with pytest.raises(DriversError, match="no name"):
        publish(source, tmp_path / "store", "../x")


def test_a_name_of_another_alphabet_is_told(tmp_path: Path) -> None:
    """Archives that were packed under DOS unpack to such names."""
    source = tmp_path / "unpacked"
    source.mkdir()
    (source / "a.inf").write_text("x")
    (Path(os.fsdecode(bytes(source) + b"/Ger\x84t.sys"))).write_text("x")
    with pytest.raises(DriversError, match="no name"):
        publish(source, tmp_path / "store", "x")


def test_a_name_that_looks_like_two_lines_is_one_file(tmp_path: Path) -> None:
    source = tmp_path / "unpacked"
    source.mkdir()
    (source / "a\u2028b.inf").write_text("x")
    folder = publish(source, tmp_path / "store", "x")
    assert publish(source, tmp_path / "store", "x") == folder
    (one,) = read_list((tmp_path / "store/drivers" / folder / LIST).read_bytes())
    assert one.path == "a\u2028b.inf"


def test_a_file_that_no_pc_would_take_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ictops.imaging.wire.drivers.LARGEST_FILE", 10)
    source = tmp_path / "unpacked"
    source.mkdir()
    (source / "a.inf").write_text("x" * 11)
    with pytest.raises(DriversError, match="no PC would take them"):
        publish(source, tmp_path / "store", "x")
    assert not list((tmp_path / "store").glob("drivers/x/*"))
