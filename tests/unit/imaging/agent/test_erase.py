"""Erasing disks: real bytes on files, and drives whose tools are stand-ins that keep state."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from ictops.imaging.agent import nwipe
from ictops.imaging.agent import overwrite as overwriting
from ictops.imaging.agent.erase import NOT_NAMED, OVERWRITE, erase
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Erase
from ictops.imaging.wire.said import End, Erased, Progress
from tests.support.drives import SIZE, Drive, make_drive, put_on_path

BLOCK, CRYPTO, OVER = 0b010, 0b001, 0b100
FORMAT, FORMAT_CRYPTO = 0b10, 0b100
ATA_SANITIZE, ATA_SCRAMBLE, ATA_OVER, ATA_BLOCK = 1 << 12, 1 << 13, 1 << 14, 1 << 15
SECURITY, ENABLED, LOCKED, FROZEN, ENHANCED = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 5
COUNT = 20
PLACES = COUNT + 2

Make = Callable[..., Drive]


class PowerCutError(Exception):
    """The PC is gone."""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    put_on_path(tmp_path / "bin", monkeypatch)

    def one(transport: str, name: str = "disk", **knows: object) -> Drive:
        return make_drive(tmp_path / name, transport, **knows)  # type: ignore[arg-type]

    return one


def run(
    *drives: Drive, serials: Sequence[str] | None = None, told: list[Progress] | None = None
) -> End:
    clock = iter(
        datetime(2026, 10, 26, 9, tzinfo=UTC) + n * timedelta(minutes=1) for n in range(99)
    )
    named = tuple(one.disk.serial for one in drives) if serials is None else tuple(serials)
    end = erase(
        Erase(named, sample=COUNT), [one.disk for one in drives],
        (told if told is not None else []).append,
        now=lambda: next(clock), pause=lambda _seconds: None, random=Random(1),
    )  # fmt: skip
    assert (end.outcome == "done") == all(one.erased for one in end.erased)
    assert strict.loads(End, strict.dumps(end)) == end
    return end


def only(end: End) -> Erased:
    (one,) = end.erased
    return one


@pytest.mark.parametrize(
    ("transport", "knows", "words", "tool"),
    [
        ("nvme", {"sanicap": BLOCK | CRYPTO | OVER}, "purge: NVMe sanitize, block erase", "nvme"),
        ("nvme", {"sanicap": OVER}, "purge: NVMe sanitize, overwrite", "nvme"),
        ("nvme", {"oacs": FORMAT}, "clear: NVMe format, user data erase", "nvme"),
        ("sata", {"sanitize": ATA_SANITIZE | ATA_BLOCK}, "purge: ATA sanitize, block erase", "hd"),
        ("sata", {"security": SECURITY}, "clear: ATA security erase", "hdparm"),
        ("sata", {"rotational": True, "sanitize": ATA_SANITIZE | ATA_OVER},
         "purge: ATA sanitize, overwrite", "hdparm"),
        ("sata", {"rotational": True}, OVERWRITE, ""),
        ("sata", {"rotational": True, "security": SECURITY}, OVERWRITE, ""),
        ("sata", {"rotational": True, "security": SECURITY | FROZEN | ENHANCED}, OVERWRITE, ""),
        ("virtio", {"rotational": True}, OVERWRITE, ""),
        ("sas", {"rotational": True}, OVERWRITE, ""),
    ],
)  # fmt: skip
def test_each_disk_gets_the_best_method_that_it_offers_and_reads_as_nothing(
    make: Make, transport: str, knows: dict[str, object], words: str, tool: str
) -> None:
    drive = make(transport, **knows)
    one = only(run(drive))
    assert (one.erased, one.fault, one.method) == (True, "", words)
    assert (one.serial, one.model, one.size) == (drive.disk.serial, "Model 1", SIZE)
    assert one.tool.startswith(tool)
    assert bool(one.tool) == bool(tool)
    assert drive.blank
    assert one.verified == PLACES
    assert PLACES // 2 < one.changed < PLACES, "the disk has a hole in the middle"
    assert one.began < one.ended


@pytest.mark.parametrize(
    ("transport", "knows", "words"),
    [
        ("nvme", {"sanicap": CRYPTO}, "purge: NVMe sanitize, crypto erase"),
        ("sata", {"sanitize": ATA_SANITIZE | ATA_SCRAMBLE}, "purge: ATA sanitize, crypto scramble"),
        ("sata", {"security": SECURITY | ENHANCED}, "clear: ATA security erase, enhanced"),
    ],
)
def test_where_a_key_is_thrown_away_all_must_read_as_something_else(
    make: Make, transport: str, knows: dict[str, object], words: str
) -> None:
    drive = make(transport, **knows)
    before = drive.path.read_bytes()
    one = only(run(drive))
    assert (one.erased, one.method, one.verified) == (True, words, PLACES)
    assert not drive.blank
    assert drive.path.read_bytes() != before


@pytest.mark.parametrize(
    ("transport", "knows", "why"),
    [
        ("nvme", {}, "neither NVMe sanitize nor format"),
        ("sata", {}, "neither ATA sanitize nor security erase"),
        ("sata", {"security": SECURITY | FROZEN | ENHANCED}, "frozen"),
        ("virtio", {}, "not magnetic"),
        ("usb", {"rotational": True}, "destroy it"),
        ("usb", {"rotational": True, "removable": True}, "destroy it"),
        ("mmc", {}, "destroy it"),
        ("", {}, "not magnetic"),
    ],
)
def test_a_disk_without_a_method_is_left_as_it_is_and_not_erased(
    make: Make, transport: str, knows: dict[str, object], why: str
) -> None:
    drive = make(transport, **knows)
    before = drive.path.read_bytes()
    end = run(drive)
    one = only(end)
    assert (end.outcome, end.fault) == ("failed", "not-erased")
    assert (one.erased, one.verified, one.method) == (False, 0, "")
    assert why in one.fault
    assert drive.path.read_bytes() == before


@pytest.mark.parametrize(
    ("transport", "knows"),
    [
        ("nvme", {"sanicap": BLOCK, "fails": True}),
        ("sata", {"sanitize": ATA_SANITIZE | ATA_BLOCK, "fails": True}),
        ("sata", {"security": SECURITY, "fails": True}),
        # It says that it did it, and kept a MiB at its beginning, or everything.
        ("nvme", {"sanicap": BLOCK, "keeps": 1}),
        ("nvme", {"sanicap": CRYPTO, "keeps": 1}),
        ("nvme", {"oacs": FORMAT, "keeps": 8}),
        ("sata", {"security": SECURITY | ENHANCED, "keeps": 8}),
        ("sata", {"sanitize": ATA_SANITIZE | ATA_SCRAMBLE, "keeps": 8}),
    ],
)
def test_a_drive_that_fails_or_says_what_is_not_so_is_not_erased(
    make: Make, transport: str, knows: dict[str, object]
) -> None:
    one = only(run(make(transport, **knows)))
    assert not one.erased
    assert one.fault
    if "keeps" in knows:
        assert "still holds data" in one.fault


def test_a_command_that_is_refused_gives_way_to_the_next_method(make: Make) -> None:
    drive = make("nvme", sanicap=BLOCK, oacs=FORMAT, refuses=["sanitize"])
    end = run(drive)
    one = only(end)
    assert "not done: purge: NVMe sanitize, block erase: nvme" in end.notes[0]
    assert (one.erased, one.method) == (True, "clear: NVMe format, user data erase")
    # hdparm ends with 0 there, and the drive still says that its last sanitize was done.
    knows = {"sanitize": ATA_SANITIZE | ATA_BLOCK, "refuses": ["sanitize"], "done": True}
    one = only(run(make("sata", "other", **knows)))
    assert not one.erased
    assert "does not take the command: sanitize, block erase" in one.fault


def test_a_disk_locked_with_a_password_that_nobody_knows_is_not_erased(make: Make) -> None:
    knows = {"security": SECURITY | ENABLED | LOCKED, "password": "hunter2"}
    drive = make("sata", **knows)
    one = only(run(drive))
    assert not one.erased
    assert "locked with a password" in one.fault
    assert drive.knows["password"] == "hunter2"


def test_sectors_that_are_hidden_are_not_overwritten_so_the_disk_is_not_erased(make: Make) -> None:
    one = only(run(make("sata", rotational=True, hidden=2048)))
    assert not one.erased
    assert "2048 sectors are hidden" in one.fault


def test_only_what_is_named_is_touched_and_all_else_is_told(make: Make) -> None:
    named = make("virtio", "a", rotational=True)
    other = make("virtio", "b", rotational=True)
    stick = make("usb", "c", removable=True)
    before = other.path.read_bytes(), stick.path.read_bytes()
    end = run(named, other, stick, serials=[named.disk.serial, "SN-gone"])
    assert [(one.serial, one.erased, one.fault) for one in end.erased] == [
        (named.disk.serial, True, ""),
        ("SN-gone", False, "no such disk is here"),
        (other.disk.serial, False, NOT_NAMED),
    ]
    assert end.message == f"not erased: SN-gone, {other.disk.serial}"
    assert end.notes == (
        f"{named.disk.serial}: not done: {nwipe.WORDS}: nwipe takes no plain file",
        f"left alone, as it is no fixed disk: Model 1 {stick.disk.serial}",
    )
    assert (other.path.read_bytes(), stick.path.read_bytes()) == before


def test_one_serial_number_of_two_disks_or_none_at_all_names_no_disk(make: Make) -> None:
    twins = [make("virtio", name, rotational=True, serial="TWIN") for name in "ab"]
    nameless = make("virtio", "c", rotational=True, serial="")
    before = [one.path.read_bytes() for one in (*twins, nameless)]
    end = run(*twins, nameless, serials=["TWIN", ""])
    assert not any(one.erased for one in end.erased)
    assert "several disks" in end.erased[0].fault
    assert [one.path.read_bytes() for one in (*twins, nameless)] == before


@pytest.mark.parametrize("transport", ["nvme", "sata"])
def test_a_disk_that_is_another_by_now_is_not_touched(make: Make, transport: str) -> None:
    drive = make(transport, sanicap=BLOCK, security=SECURITY)
    drive.set(serial="SWAPPED")
    before = drive.path.read_bytes()
    one = only(run(drive))
    assert not one.erased
    assert "another serial number" in one.fault
    assert drive.path.read_bytes() == before


def test_a_missing_tool_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = make("nvme", sanicap=BLOCK)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "nvme cannot be started" in only(run(drive)).fault


@pytest.mark.parametrize(
    ("transport", "knows"),
    [
        ("nvme", {"sanicap": BLOCK, "left": 3, "how": "block", "sstat": 2}),
        ("sata", {"sanitize": ATA_SANITIZE | ATA_BLOCK, "left": 3, "how": "block"}),
    ],
)
def test_after_a_power_cut_a_drive_that_is_still_at_it_is_waited_for(
    make: Make, transport: str, knows: dict[str, object]
) -> None:
    told: list[Progress] = []
    one = only(run(make(transport, **knows), told=told))
    assert (one.erased, one.verified) == (True, PLACES)
    assert one.changed == 0, "it was empty when the agent saw it first"
    assert "goes on with what it began before" in told[0].note


def test_after_a_power_cut_a_disk_locked_by_us_is_erased_all_the_same(make: Make) -> None:
    drive = make("sata", security=SECURITY, cut=True)
    assert not only(run(drive)).erased
    assert drive.knows["security"] & LOCKED
    assert only(run(drive)).erased
    assert drive.knows["security"] == SECURITY, "and the password is gone"


def test_an_overwrite_that_a_power_cut_ended_begins_anew(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overwriting, "TOLD_EVERY", 1)
    monkeypatch.setattr(overwriting, "BLOCK", 1 << 20)
    drive = make("virtio", rotational=True)

    def cut(progress: Progress) -> None:
        if progress.done >= SIZE // 4:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        erase(Erase((drive.disk.serial,)), [drive.disk], cut)
    assert not drive.blank
    one = only(run(drive))
    assert one.erased
    assert drive.blank


def test_a_medium_that_does_not_keep_what_is_written_is_not_erased(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = make("virtio", rotational=True)
    real = os.pwritev

    def lossy(fd: int, parts: Sequence[memoryview], offset: int) -> int:
        if offset == 0:
            return sum(map(len, parts))
        return real(fd, parts, offset)

    monkeypatch.setattr(os, "pwritev", lossy)
    one = only(run(drive))
    assert not one.erased
    assert "did not stay" in one.fault


def test_a_disk_that_cannot_be_written_is_not_erased(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = make("virtio", rotational=True)

    def broken(_fd: int, _parts: object, _offset: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pwritev", broken)
    one = only(run(drive))
    assert not one.erased
    assert "Input/output error" in one.fault


def test_a_place_that_cannot_be_read_afterwards_is_a_fault(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = make("nvme", sanicap=BLOCK)
    real = os.preadv

    def broken(fd: int, parts: Sequence[memoryview], offset: int) -> int:
        if offset == 0 and drive.blank:
            raise OSError(5, "Input/output error")
        return real(fd, parts, offset)

    monkeypatch.setattr(os, "preadv", broken)
    one = only(run(drive))
    assert (one.erased, one.verified) == (False, PLACES - 1)
    assert "1 of 22 places" in one.fault
    assert "cannot be read" in one.fault


def test_how_far_it_is_counts_over_all_disks(make: Make) -> None:
    told: list[Progress] = []
    run(make("nvme", "a", sanicap=BLOCK, polls=4), make("virtio", "b", rotational=True), told=told)
    assert {one.total for one in told} == {2 * SIZE}
    done = [one.done for one in told]
    assert done == sorted(done)
    assert any(0 < one < SIZE for one in done)
    assert any(one >= SIZE for one in done)
    assert {one.step for one in told} == {"erasing"}
