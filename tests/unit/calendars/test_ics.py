"""Whatever programs write: the days come out right, or the fault with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ictops.calendars.ics import read_ics
from tests.unit.calendars.conftest import LONDON, ics, span, vevents

QUIRKS = yaml.safe_load((Path(__file__).parent / "quirks.yml").read_text())
HALF_TERM = vevents(["2026-10-26..2026-10-30 Half term"])


def read(path: Path) -> tuple[list[str], list[str]]:
    found = read_ics(path, LONDON)
    days = [f"{e.whole_days[0]}..{e.whole_days[1]} {e.name}" for e in found.events]
    return days, [f"{f.where.rpartition(':')[2]}: {f.what}" for f in found.faults]


@pytest.mark.parametrize("quirk", QUIRKS, ids=[quirk["name"] for quirk in QUIRKS])
def test_a_quirk_is_read_right_or_named_with_its_line(
    quirk: dict[str, Any], tmp_path: Path
) -> None:
    lines = quirk.get("lines") or f"BEGIN:VEVENT\n{quirk['event']}END:VEVENT\n"
    path = tmp_path / "council.ics"
    path.write_bytes(ics(lines))
    days, faults = read(path)
    assert days == [f"{s.first}..{s.last} {s.name}" for s in map(span, quirk.get("days", []))]
    wanted = quirk.get("faults", [])
    assert len(faults) == len(wanted), faults
    for fault, beginning in zip(faults, wanted, strict=True):
        assert fault.startswith(beginning)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n", "\n\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(
    end: str, mark: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "council.ics"
    path.write_bytes(mark + ics(HALF_TERM, end))
    assert read(path) == (["2026-10-26..2026-10-30 Half term"], [])


def test_a_fold_may_go_through_a_character(tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    name = "Half term \N{EN DASH} all schools"
    cut = name.encode().index(b"\xe2") + 1
    folded = name.encode()[:cut] + b"\r\n " + name.encode()[cut:]
    path.write_bytes(ics(HALF_TERM).replace(b"Half term", folded))
    assert read(path) == ([f"2026-10-26..2026-10-30 {name}"], [])


@pytest.mark.parametrize(
    ("content", "fault", "do"),
    [
        (b"", "1: this is no iCalendar file", "Fetch the .ics"),
        (b"<!DOCTYPE html>\n<title>Term dates</title>\n", "1: this is no iCalendar", "web page"),
        (ics(HALF_TERM).replace(b"term", b"term \x96 all"), "9: this is not UTF-8", "Save"),
        (ics(HALF_TERM).decode().encode("utf-16"), "1: this is not UTF-8", "Save"),
        (ics(HALF_TERM)[:-16], "1: the calendar that begins here has no end", "fetch it again"),
        (ics(HALF_TERM)[:120], "4: the event that begins here has no end", "fetch it again"),
    ],
    ids=["empty", "web page", "Windows-1252", "UTF-16", "no end", "cut short"],
)  # fmt: skip
def test_a_file_that_is_no_calendar(content: bytes, fault: str, do: str, tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    path.write_bytes(content)
    found = read_ics(path, LONDON)
    assert any(
        f"{one.where.removeprefix(f'{path}:')}: {one.what}".startswith(fault) and do in one.do
        for one in found.faults
    ), found.faults


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (fault,) = read_ics(tmp_path / "nowhere.ics", LONDON).faults
    assert fault.what == "the calendar cannot be read: No such file or directory"


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 60))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_file_ends_in_anything_but_events_or_faults(
    tmp_path: Path, noise: bytes, at: int, taken: int
) -> None:
    whole = ics(vevents(["2026-10-26..2026-10-30 Half term", "2026-12-18 Last day of term"]))
    path = tmp_path / "council.ics"
    path.write_bytes(whole[:at] + noise + whole[at + taken :])
    found = read_ics(path, LONDON)
    assert len(found.events) <= 2 or b"BEGIN:VEVENT" in noise
    assert all(":" in fault.where for fault in found.faults)
