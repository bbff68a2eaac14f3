"""What else goes wrong with a change: each time it ends with one configuration, and says which."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ictops.errors import ChangeFailed, SwitchError
from ictops.network.attempt import Patience
from ictops.network.change import Checks, Options, change
from ictops.network.jobs import Done
from ictops.network.lock import locked
from ictops.network.platform import load_platform
from tests.support.changes import (
    LONG,
    SCALE,
    SHORT,
    WAYS,
    Site,
    Way,
    commands,
    ended,
    sent,
    switches,
)  # fmt: skip
from tests.support.farm import WAIT_SECONDS, case, described, device, farm_of, wait_until

pytestmark = pytest.mark.alone


def said_by(way: Way) -> list[str]:
    """Give an expression for each line that ictops says on this way, but those of the change."""
    platform = load_platform(way.platform)
    method = next(one for one in platform.change.tried() if one.name == way.method)
    steps = [*method.arm, *(method.enter or ()), *(method.leave or ()), *method.keep]
    lines = [step.say for step in (*steps, *([method.unarmed] if method.unarmed else ()))]
    lines += [line for line in (platform.save, platform.shows.running) if line]
    parts = (re.split(r"\{[^}]*\}", line) for line in dict.fromkeys(lines))
    return [f"^{'.+'.join(re.escape(one) for one in part)}$" for part in parts]


@pytest.mark.parametrize("name", WAYS)
def test_a_session_dropped_at_any_step_leaves_the_old_or_the_new(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    faults: dict[str, dict[str, object]] = {"whole": {}}
    for at, line in enumerate(said_by(way)):
        faults[f"at-{at}"] = {"drop_at": line}
        faults[f"after-{at}"] = {"drop_at": line, "drop_after": True}
    with farm_of(tmp_path / "farm", *switches(way, **faults), time_scale=SCALE) as farm:
        site = Site.of(farm, tmp_path)
        old = farm.control.get("whole")["running"]
        came = site.change(dict.fromkeys(faults, way.platform))
        new = farm.control.get("whole")["running"]
        assert new != old
        for one, outcome in came.items():
            if isinstance(outcome, SwitchError) and not isinstance(outcome, ChangeFailed):
                assert faults[one]["drop_at"] == said_by(way)[-1], "only its first look may be lost"
                assert farm.control.get(one)["running"] == old
                continue
            which = ended(farm, one, outcome)
            assert farm.control.get(one)["running"] == {"old": old, "new": new}[which], outcome


@pytest.mark.parametrize("name", WAYS)
def test_a_refused_line_stops_there_and_is_undone(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    word = {"juniper_junos": "room-110 ", "dell_os10": "vlan110"}.get(way.platform, "vlan 110")
    refuse = f"{way.refuse}|{word}" if way.refuse else word
    one = switches(replace(way, refuse=refuse), only={})
    with farm_of(tmp_path / "farm", *one, time_scale=SCALE) as farm:
        old = farm.control.get("only")["running"]
        came = Site.of(farm, tmp_path).change({"only": way.platform})["only"]
        assert isinstance(came, ChangeFailed)
        assert re.search(rf"only: line \d+ of 4\d: the switch does not take '.*{word}", str(came))
        assert "the old configuration runs" in str(came)
        assert ended(farm, "only", came) == "old"
        assert farm.control.get("only")["running"] == old
        sent = farm.control.log("only")
        assert not any("119" in line for line in sent), "it went on after the refusal"


@pytest.fixture
def ios(tmp_path: Path) -> Iterator[Site]:
    """One IOS switch with a neighbour."""
    near = {"port": "GigabitEthernet0/48", "name": "oak-sw-02", "neighbour_port": "Gi0/1"}
    one = device("cisco_ios", "only", neighbours=[near])
    with farm_of(tmp_path / "farm", one, time_scale=SCALE, boot_seconds=20) as farm:
        yield Site.of(farm, tmp_path)


def during(site: Site, line: str, then: Callable[[], object], **more: object) -> object:
    """Change the switch, and do something as soon as it was given this line."""
    gone = threading.Event()

    def wait() -> None:
        while not gone.wait(0.01):
            if line in sent(site.farm):
                then()
                return

    site.farm.control.fault("only", latency=0.05)
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        return site.change({"only": "cisco_ios"}, **more)["only"]
    finally:
        gone.set()
        thread.join(WAIT_SECONDS)


def test_a_reboot_in_the_middle_brings_the_old_configuration(ios: Site) -> None:
    old = ios.farm.control.get("only")["running"]
    came = during(ios, "name room-105", lambda: ios.farm.control.reboot("only"))
    assert isinstance(came, ChangeFailed)
    assert ended(ios.farm, "only", came) == "old"
    assert ios.farm.control.get("only")["running"] == old
    assert ios.farm.control.get("only")["boots"] == 2


def test_a_switch_that_falls_silent_is_waited_for(ios: Site) -> None:
    control = ios.farm.control
    old = control.get("only")["running"]

    def silent() -> None:
        control.fault("only", hang=True)
        wait_until(lambda: control.get("only")["sessions"] == 0, "the end of the session")
        wait_until(lambda: control.get("only")["pending"] == [], "its dead-man switch")
        control.fault("only", hang=False)

    ios.line = ios.login = 1.0
    came = during(ios, "name room-105", silent, minutes=SHORT)
    assert isinstance(came, ChangeFailed)
    assert "does not answer" in came.what
    assert ended(ios.farm, "only", came) == "old"
    assert control.get("only")["running"] == old


def test_one_that_lets_nobody_in_for_a_while_is_tried_again(ios: Site) -> None:
    control = ios.farm.control
    old = control.get("only")["running"]
    control.fault("only", drop_at_line=20)

    def closed() -> None:
        control.fault("only", refuse_logins=True)
        wait_until(lambda: control.get("only")["sessions"] == 0, "the end of the session")
        wait_until(lambda: control.get("only")["pending"] == [], "its dead-man switch")
        control.fault("only", refuse_logins=False)

    came = during(ios, "name room-101", closed, minutes=2)
    assert isinstance(came, ChangeFailed)
    assert ended(ios.farm, "only", came) == "old"
    assert control.get("only")["running"] == old


@pytest.mark.parametrize("name", ["revert timer", "reload in", "checkpoint", "reload after"])
def test_a_dead_man_that_acts_in_the_middle_leaves_the_old(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    one = switches(way, only={"latency": 0.06})
    with farm_of(tmp_path / "farm", *one, time_scale=SCALE, boot_seconds=20) as farm:
        old = farm.control.get("only")["running"]
        came = Site.of(farm, tmp_path).change({"only": way.platform}, minutes=SHORT)["only"]
        assert isinstance(came, ChangeFailed)
        assert ended(farm, "only", came) == "old"
        assert farm.control.get("only")["running"] == old


def test_secrets_that_are_sent_anew_are_no_difference_after(ios: Site) -> None:
    line = commands("enable secret 9 $9$other$hash")
    device = described(ios.farm, "only", "cisco_ios")
    checks = Checks(lambda _: line, lambda *_: [], after=lambda _: commands())
    options = Options(patience=Patience(minute=60 * SCALE), minutes=LONG)
    done = change(
        device,
        checks,
        options,
        mask=ios.archive.mask(),
        keep=lambda _: None,
        hold=lambda: None,
        locks=ios.locks,
    )
    assert (done.changed, done.configuration) == (True, "new")


def test_what_nobody_wanted_is_undone(ios: Site) -> None:
    old = ios.farm.control.get("only")["running"]
    never = commands("hostname other", "vlan 77")
    came = ios.change({"only": "cisco_ios"}, lambda _: never)["only"]
    assert isinstance(came, ChangeFailed)
    assert "what runs after the change is not what was wanted" in came.what
    assert ended(ios.farm, "only", came) == "old"
    assert ios.farm.control.get("only")["running"] == old


def test_a_neighbour_that_stays_away_has_the_change_undone(ios: Site) -> None:
    old = ios.farm.control.get("only")["running"]
    ios.deaf_after = 1
    came = ios.change({"only": "cisco_ios"}, minutes=2)["only"]
    assert isinstance(came, ChangeFailed)
    assert "hears no more of oak-sw-02 at GigabitEthernet0/48" in came.what
    assert ended(ios.farm, "only", came) == "old"
    assert ios.farm.control.get("only")["running"] == old
    ios.deaf_after = 1
    allowed = ios.change({"only": "cisco_ios"}, may_lose_neighbours=True)["only"]
    assert isinstance(allowed, Done), allowed


def test_a_name_and_a_banner_that_look_like_prompts_can_be_set(ios: Site) -> None:
    banner = "banner motd ^C\noak-sw-01#\nGo away#\n^C"
    first = commands("hostname beech-sw-01", "interface GigabitEthernet0/1", " description up#")
    wanted = replace(first, commands=(*first.commands, *commands(banner).commands))

    def compare(running: list[str]) -> object:
        return wanted if "hostname oak-sw-01" in running else commands()

    came = ios.change({"only": "cisco_ios"}, compare)["only"]
    assert isinstance(came, Done), came
    running = ios.farm.control.get("only")["running"]
    assert "hostname beech-sw-01" in running
    assert " description up#" in running
    assert ended(ios.farm, "only", came) == "new"


def test_a_prompt_in_the_banner_and_odd_letters_do_no_harm(ios: Site) -> None:
    ios.farm.control.fault("only", banner_prompt="oak-sw-01#", odd_descriptions=True)
    wanted = commands("vlan 77", " name room-77")

    def compare(running: list[str]) -> object:
        return commands() if "vlan 77" in running else wanted

    came = ios.change({"only": "cisco_ios"}, compare)["only"]
    assert isinstance(came, Done), came
    assert ended(ios.farm, "only", came) == "new"


@pytest.mark.parametrize(
    ("fault", "said"),
    [({"empty_running": True}, "comes empty"), ({"truncated_running": 6}, "is cut off")],
)
def test_one_that_does_not_show_all_that_it_has_is_not_changed(
    ios: Site, fault: dict[str, object], said: str
) -> None:
    ios.farm.control.fault("only", **fault)
    came = ios.change({"only": "cisco_ios"})["only"]
    assert isinstance(came, SwitchError)
    assert said in came.what
    assert not any(line.startswith("conf") for line in sent(ios.farm))


@pytest.mark.parametrize("may_enable", [True, False])
def test_who_may_not_configure_changes_nothing(tmp_path: Path, may_enable: bool) -> None:
    one = device("cisco_ios", "only", may_enable=may_enable, enable_password="another")
    with farm_of(tmp_path / "farm", one, time_scale=SCALE) as farm:
        came = Site.of(farm, tmp_path).change({"only": "cisco_ios"})["only"]
        assert isinstance(came, SwitchError)
        assert "into its privileged mode" in came.what
        assert not any(line.startswith("conf") for line in sent(farm))


def test_a_secret_in_a_refused_line_is_not_told(ios: Site) -> None:
    ios.farm.control.fault("only", refuse="username")
    line = "username eve secret Hunter2-hunter2"
    hidden = commands(line)
    shown = (replace(hidden.commands[0], shown="username eve secret <secret:1a2b3c4d>"),)
    came = ios.change({"only": "cisco_ios"}, lambda _: replace(hidden, commands=shown))["only"]
    assert isinstance(came, ChangeFailed)
    assert "username eve secret <secret" in str(came)
    assert "Hunter2" not in str(came)


def test_only_one_changes_a_switch_at_a_time(ios: Site) -> None:
    with locked(ios.locks, "oak", "only"):
        came = ios.change({"only": "cisco_ios"})["only"]
    assert isinstance(came, SwitchError)
    assert "it is being changed by somebody else just now: process" in came.what
    assert sent(ios.farm) == []
    assert isinstance(ios.change({"only": "cisco_ios"})["only"], Done)


def test_where_a_reboot_would_bring_something_else_it_is_no_dead_man(tmp_path: Path) -> None:
    running = case("cisco_ios")["running"]
    faults = {"refuse": "revert timer"}
    one = device("cisco_ios", "only", startup=running.replace("classroom 1", "x"), faults=faults)
    with farm_of(tmp_path / "farm", one, time_scale=SCALE) as farm:
        came = Site.of(farm, tmp_path).change({"only": "cisco_ios"})["only"]
        assert isinstance(came, ChangeFailed)
        assert "what runs is not what is stored" in came.what
        assert "save it on the switch or take it back" in came.do
        assert came.configuration == "old"
        assert farm.control.get("only")["pending"] == []
        assert not any(line.startswith("reload") for line in sent(farm))


def test_a_switch_is_told_apart_that_can_arm_nothing(tmp_path: Path) -> None:
    one = device("cisco_ios", "only", faults={"refuse": "revert timer|reload in"})
    with farm_of(tmp_path / "farm", one, time_scale=SCALE) as farm:
        came = Site.of(farm, tmp_path).change({"only": "cisco_ios"})["only"]
        assert isinstance(came, ChangeFailed)
        assert "none of its dead-man switches can be armed: revert timer: " in came.what
        assert ended(farm, "only", came) == "old"


def test_what_is_asked_for_without_writing_changes_nothing(ios: Site) -> None:
    told = ios.change({"only": "cisco_ios"}, write=False)["only"]
    assert isinstance(told, Done)
    assert told.changed
    assert re.match(r"would be changed by 4\d lines$", told.message)
    assert "+ description staff room" in " ".join(" ".join(told.more["difference"]).split())
    assert not ios.archive.folder.exists()
    assert not any(line.startswith("conf") for line in sent(ios.farm))


def test_before_and_after_a_change_a_backup_is_taken(ios: Site) -> None:
    ios.farm.control.fault("only", refuse="vlan 110")
    assert isinstance(ios.change({"only": "cisco_ios"})["only"], ChangeFailed)
    assert "staff room" not in ios.archive.kept("oak", "only")["running.cfg"]
    ios.farm.control.clear("only")
    done = ios.change({"only": "cisco_ios"})["only"]
    assert isinstance(done, Done), done
    assert "staff room" in ios.archive.kept("oak", "only")["running.cfg"]


def test_one_that_is_as_it_is_wanted_is_told_nothing(ios: Site) -> None:
    same = ios.change({"only": "cisco_ios"}, lambda _: commands())["only"]
    assert isinstance(same, Done)
    assert (same.changed, same.message) == (False, "as it is wanted")
    assert not any(line.startswith("conf") for line in sent(ios.farm))


def test_what_is_not_to_be_stored_is_not(ios: Site) -> None:
    done = ios.change({"only": "cisco_ios"}, save=False)["only"]
    assert isinstance(done, Done), done
    assert done.more["unsaved"]
    assert any("staff room" in line for line in done.more["unsaved_difference"])
    now = ios.farm.control.get("only")
    assert now["startup"] != now["running"]


def test_one_that_cannot_be_stored_is_told(ios: Site) -> None:
    ios.farm.control.fault("only", refuse="^write")
    came = ios.change({"only": "cisco_ios"})["only"]
    assert isinstance(came, ChangeFailed)
    assert came.configuration == "new"
    assert "not known to be stored" in came.what
    assert ios.farm.control.get("only")["pending"] == []


def test_the_furthest_are_through_before_the_nearer_begin(tmp_path: Path) -> None:
    hops = {"near": 1, "far": 2, "end-1": 3, "end-2": 3}
    devices = [device("cisco_ios", name) for name in (*hops, "unknown")]
    with farm_of(tmp_path / "farm", *devices, time_scale=SCALE) as farm:
        farm.control.fault("end-1", refuse="vlan 110")
        names = dict.fromkeys((*hops, "unknown"), "cisco_ios")
        came = Site.of(farm, tmp_path).change(names, hops=hops)
        assert [hops.get(name, 0) for name in came] == [3, 3, 2, 1, 0]
        assert isinstance(came["end-1"], ChangeFailed)
        assert isinstance(came["near"], Done), "a failure further out stops nobody"
        times = {
            name: [one["at"] for one in farm.control.ask("log", name)["lines"]] for name in came
        }
        assert max(times["end-1"] + times["end-2"]) < min(times["far"])
        assert max(times["far"]) < min(times["near"])
        assert max(times["near"]) < min(times["unknown"])


def test_minutes_that_no_dead_man_can_have_are_a_mistake(ios: Site) -> None:
    with pytest.raises(ValueError, match="minutes must be from 1 to 59"):
        ios.change({"only": "cisco_ios"}, minutes=60)
    assert isinstance(ios.change({"only": "cisco_ios"}, minutes=LONG)["only"], Done)
