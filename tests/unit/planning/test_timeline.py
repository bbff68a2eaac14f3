from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console

from ictops.planning.forecast import Forecast, forecast
from ictops.planning.timeline import rows_to_show, site_table, timeline
from ictops.plans.model import Estimate, Plan, SitePlan, Wave, WindowSpan
from ictops.settings import Limits

START = datetime(2026, 10, 24, 8, tzinfo=ZoneInfo("Europe/London"))
BEFORE = datetime(2026, 10, 1, tzinfo=UTC)


def site(code: str, hosts: int, days: int) -> SitePlan:
    windows = [
        WindowSpan(start=START + timedelta(days=d), end=START + timedelta(days=d, hours=9))
        for d in range(days)
    ]
    waves = [
        Wave(name="canary", hosts=[f"{code}-0"]),
        Wave(name="rest", hosts=[f"{code}-{n}" for n in range(1, hosts)]),
    ]
    return SitePlan(
        inventory=f"{code}.yml", inventory_digest="x", timezone="Europe/London",
        windows=windows, waves=waves if hosts else [],
    )  # fmt: skip


def made(**sites: SitePlan) -> tuple[Plan, Forecast]:
    plan = Plan(
        operation="rollout", title="t", cluster="demo", made_at=BEFORE, made_by="x",
        playbook="rollout.yml", playbook_digest="a", roles_digest="b", limits=Limits(site=1),
        estimate=Estimate(seconds=3600, source="default"), sites=sites,
    )  # fmt: skip
    return plan, forecast(plan, {}, BEFORE)


def shown(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=110, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_says_what_fits_and_by_how_much_it_does_not():
    plan, view = made(fits=site("fits", 10, 3), long=site("long", 12, 1), shut=site("shut", 3, 0))
    table = shown(site_table(plan, view, list(plan.sites)))
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines[1] == (
        "fits 10 canary 1, rest 9 Sat 24 Oct 08:00 Sun 25 Oct 09:00 Mon 26 Oct 17:00 yes"
    )
    assert lines[2].endswith("Sat 24 Oct 08:00 Sat 24 Oct 20:00 Sat 24 Oct 17:00 3h too long")
    assert lines[3].endswith("no window")
    assert not view.fits
    assert view.without_window == ("shut",)


def test_the_timeline_keeps_to_ascii_and_marks_windows_waves_lateness_and_now():
    plan, view = made(fits=site("fits", 10, 2), long=site("long", 13, 1))
    now = START + timedelta(hours=12)
    rows = timeline(plan, view, ["fits", "long"], width=38 + 5, now=now, plain=True)
    axis, fits, long, legend = (row.plain for row in rows)
    assert axis.split()[:3] == ["Sat", "24", "Oct"]
    assert fits.isascii()
    assert fits[:5] == "fits "
    assert fits[5:].startswith("1")
    assert fits.count("|") == 1
    assert fits.index("|") == long.index("|")
    assert "2" in fits[24:]
    assert "-" in fits
    assert "!" in long
    assert "wave 2" in legend
    assert max(len(row.plain) for row in rows[:3]) <= 43


def test_on_a_terminal_it_has_blocks():
    plan, view = made(a=site("a", 40, 5))
    rows = timeline(plan, view, ["a"], width=100, now=BEFORE)
    assert "█" in rows[1].plain
    assert "░" in rows[1].plain
    assert "Sat 24 Oct" in rows[0].plain
    assert "Wed 28 Oct" in rows[0].plain
    assert "┃" not in rows[1].plain, "now is before the plan's time"


def test_windows_after_the_work_do_not_make_it_small():
    plan, view = made(a=site("a", 4, 5))
    axis, row, _ = (t.plain for t in timeline(plan, view, ["a"], width=60, now=BEFORE, plain=True))
    assert axis.split()[:2] == ["Sat", "08:00"]
    assert "Sun" not in axis
    assert row.count("2") > row.count("1") > 3


def test_windows_that_are_over_are_none():
    plan, _ = made(a=site("a", 3, 2))
    assert forecast(plan, {}, START + timedelta(hours=20)).sites["a"].start.day == 25
    assert forecast(plan, {}, START + timedelta(days=3)).without_window == ("a",)


def test_sites_in_trouble_are_shown_first():
    plan, view = made(a=site("a", 2, 1), b=site("b", 2, 1), c=site("c", 99, 1), d=site("d", 2, 0))
    assert rows_to_show(view, plan, 2) == ["c", "d"]
    assert rows_to_show(view, plan, 3) == ["a", "c", "d"]
    assert timeline(plan, view, [], width=80, now=BEFORE) == []
