"""Who gets which job, when, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ictops.imaging.service.desk import DEAD, MOST_FAULTS, SILENCE, Desk
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Answer, End, HostKeys, Progress, Ready
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.state import Arm, JobState, Look, Wait
from tests.support.imaging import MAC, OTHER_MAC, OTHER_UUID, TREE, UUID, BootServer, claim

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.fixture
def server(tmp_path: Path) -> BootServer:
    return BootServer(tmp_path)


def armed(server: BootServer, desk: Desk, job: Job | None = None, secret: str | None = None) -> Job:
    job = job or server.job()
    desk.arm(server.signed(job, secret=secret))
    return job


def state(desk: Desk, job: Job) -> JobState:
    return desk.look(Look(job.id))


def refused(status: int, word: str, act: object, *arguments: object) -> None:
    with pytest.raises(Refused) as told:
        act(*arguments)  # type: ignore[operator]
    assert told.value.status == status
    assert word in told.value.fault


def test_a_job_is_claimed_reported_and_ended(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    assert server.booting == [f"{MAC}.cfg"]
    assert (server.root / "grub" / f"{MAC}.cfg").read_text() == f"echo job of {MAC} and no other\n"
    got = desk.claim(claim())
    assert got.job.encode() == strict.dumps(job)
    desk.progress(got.token, Progress("fetching", 5, 10, 2.5))
    desk.host_keys(got.token, HostKeys((KEY,)))
    assert desk.ready(got.token, Ready(())).unicast
    assert state(desk, job).progress == Progress("fetching", 5, 10, 2.5)
    end = End("done", fetched=10)
    desk.end(got.token, end)
    known = state(desk, job)
    assert (known.state, known.end, known.uuid, known.host_keys) == ("ended", end, UUID, (KEY,))
    assert server.booting == []


def test_a_job_that_is_over_is_not_claimed_again(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    got = desk.claim(claim())
    desk.end(got.token, End("failed", "disk-small"))
    for one in (desk, server.desk()):
        refused(409, "over: ended", one.claim, claim())
        refused(409, "has been here: ended", one.arm, server.signed(job))
        refused(409, "over", one.progress, got.token, Progress("fetching"))
        refused(409, "over", one.secret, got.token, Answer())
        refused(409, "over", one.end, got.token, End("done"))
        one.end(got.token, End("failed", "disk-small"))  # the same again: its answer was lost
    assert server.booting == []


def test_one_job_a_pc(server: BootServer) -> None:
    desk = server.desk()
    first = armed(server, desk)
    second = server.job()
    refused(409, first.id, desk.arm, server.signed(second))
    desk.claim(claim())
    refused(409, first.id, desk.arm, server.signed(second))
    desk.arm(server.signed(second, replace=True))
    assert state(desk, first).state == "cancelled"
    assert desk.claim(claim()).job.encode() == strict.dumps(second)
    armed(server, desk, server.job(mac=OTHER_MAC))
    assert server.booting == [f"{MAC}.cfg", f"{OTHER_MAC}.cfg"]


def test_a_job_that_is_armed_again_before_its_end_goes_on(server: BootServer) -> None:
    desk = server.desk()
    job = server.job()
    asked = server.signed(job)
    desk.arm(asked)
    token = desk.claim(claim()).token
    desk.arm(asked)
    desk.progress(token, Progress("looking"))
    other = server.signed(replace(job, host="another"))
    refused(409, "has been here", desk.arm, other)


def test_only_what_is_signed_for_jobs_is_armed(server: BootServer, tmp_path: Path) -> None:
    desk = server.desk()
    good = server.signed(server.job())
    text = good.job.encode()
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    for bad in (
        replace(good, job=good.job.replace("lab001-ws-01", "lab001-ws-02")),
        replace(good, signature=sign(text, "ictops-image", server.key)),
        replace(good, signature=sign(text, "ictops-job", BootServer(stranger).key)),
        replace(good, signature=""),
    ):
        refused(403, "not signed", desk.arm, bad)
    nonsense = '{"ictops_job": 2}'
    signature = sign(nonsense.encode(), "ictops-job", server.key)
    refused(400, "ictops_job", desk.arm, Arm(nonsense, signature))
    assert server.booting == []
    assert list((server.root / "state" / "jobs").iterdir()) == []


def test_a_pc_that_has_no_job(server: BootServer) -> None:
    desk = server.desk()
    armed(server, desk)
    refused(404, OTHER_MAC, desk.claim, claim(mac=OTHER_MAC))


def test_two_pcs_with_one_mac_are_told_of_and_the_first_goes_on(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    token = desk.claim(claim()).token
    for _ in range(3):
        refused(409, "another PC's", desk.claim, claim(pc=OTHER_UUID))
    known = state(desk, job)
    assert len(known.faults) == 1
    assert f"two PCs have the MAC {MAC}" in known.faults[0]
    assert OTHER_UUID in known.faults[0]
    desk.progress(token, Progress("fetching"))
    for n in range(2 * MOST_FAULTS):
        refused(409, "", desk.claim, claim(pc=OTHER_UUID[:-2] + f"{n:02x}"))
    assert len(state(desk, job).faults) == MOST_FAULTS


def test_a_job_for_a_known_pc_is_no_other_ones(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk, server.job(pc=OTHER_UUID))
    refused(409, "another PC's", desk.claim, claim())
    known = state(desk, job)
    assert known.state == "armed"
    assert "another main board" in known.faults[0]
    desk.claim(claim(pc=OTHER_UUID))


def test_a_pc_is_booted_and_served_only_within_the_window(server: BootServer) -> None:
    desk = server.desk()
    begin = server.now + timedelta(hours=1)
    window = {
        "not_before": begin.isoformat(),
        "not_after": (begin + timedelta(hours=1)).isoformat(),
    }
    job = armed(server, desk, server.job(**window))
    assert server.booting == []
    refused(403, "begins", desk.claim, claim())
    assert state(desk, job).state == "armed"
    server.now = begin
    desk.tidy()
    assert server.booting == [f"{MAC}.cfg"]
    server.now = begin + timedelta(hours=1)
    refused(403, "over", desk.claim, claim())
    refused(403, "over", desk.claim, claim())
    assert state(desk, job).state == "expired"
    assert server.booting == []
    refused(403, "over", desk.arm, server.signed(server.job(**window)))


def test_a_window_that_ended_while_the_boot_server_was_off(server: BootServer) -> None:
    job = armed(server, server.desk())
    server.now += timedelta(hours=2)
    desk = server.desk()
    assert state(desk, job).state == "expired"
    assert server.booting == []


def test_a_pc_that_has_begun_may_end_after_the_window_unless_it_falls_silent(
    server: BootServer,
) -> None:
    desk = server.desk()
    job = armed(server, desk)
    token = desk.claim(claim()).token
    server.now += timedelta(hours=1)
    desk.progress(token, Progress("fetching"))
    desk.tidy()
    assert server.booting == []  # it is not begun again
    assert state(desk, job).state == "claimed"
    server.now += SILENCE
    desk.tidy()
    assert state(desk, job).state == "claimed"
    server.now += timedelta(seconds=1)
    desk.tidy()
    assert state(desk, job).state == "expired"
    refused(409, "expired", desk.end, token, End("done"))


def test_after_a_power_cut_the_same_pc_gets_the_same_job(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    first = desk.claim(claim())
    second = desk.claim(claim())
    assert (first.job, first.signature) == (second.job, second.signature)
    refused(401, "claimed its job again", desk.progress, first.token, Progress("fetching"))
    desk.progress(second.token, Progress("fetching"))
    assert state(desk, job).claims == 2


def test_a_secret_is_the_pcs_until_the_end_and_is_then_nowhere(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk, secret="secretcanary")
    (file,) = server.root.glob("state/jobs/*/secret")
    assert file.stat().st_mode & 0o777 == 0o600
    first = desk.claim(claim()).token
    assert desk.secret(first, Answer()).secret == "secretcanary"
    second = desk.claim(claim()).token  # after a power cut
    refused(409, "another PC's", desk.claim, claim(pc=OTHER_UUID))
    refused(401, "claimed its job again", desk.secret, first, Answer())
    assert desk.secret(second, Answer()).secret == "secretcanary"
    desk = server.desk()
    assert desk.secret(second, Answer()).secret == "secretcanary"
    desk.end(second, End("done"))
    refused(409, "over: ended", desk.secret, second, Answer())
    kept = [path.read_text() for path in server.root.rglob("*") if path.is_file()]
    assert not any("secretcanary" in text for text in kept)
    assert "secretcanary" not in str(state(desk, job))


def test_a_job_without_a_secret_gives_none(server: BootServer) -> None:
    desk = server.desk()
    armed(server, desk)
    refused(409, "no secret", desk.secret, desk.claim(claim()).token, Answer())


@pytest.mark.parametrize("over", ["end", "cancel", "expire"])
def test_a_secret_that_nobody_asked_for_goes_with_its_job(server: BootServer, over: str) -> None:
    desk = server.desk()
    job = armed(server, desk, secret="secretcanary")
    if over == "end":
        desk.end(desk.claim(claim()).token, End("done"))
    elif over == "cancel":
        desk.cancel(Look(job.id))
    else:
        server.now += timedelta(hours=2)
        desk.tidy()
    assert not list(server.root.glob("state/jobs/*/secret"))
    assert server.booting == []


def test_a_cancelled_job_is_over_and_stays_as_it_ended(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    assert desk.cancel(Look(job.id)).state == "cancelled"
    assert server.booting == []
    refused(409, "cancelled", desk.claim, claim())
    other = armed(server, desk)
    desk.end(desk.claim(claim()).token, End("done"))
    assert desk.cancel(Look(other.id)).state == "ended"


def test_a_pc_that_has_begun_goes_on_whoever_cancels_unless_it_is_silent(
    server: BootServer,
) -> None:
    desk = server.desk()
    job = armed(server, desk)
    token = desk.claim(claim()).token
    server.now += SILENCE
    assert desk.cancel(Look(job.id)).state == "claimed"
    desk.progress(token, Progress("fetching"))
    token = desk.claim(claim()).token  # after a power cut
    server.now += SILENCE + timedelta(seconds=1)
    assert desk.cancel(Look(job.id)).state == "cancelled"
    refused(409, "cancelled", desk.progress, token, Progress("fetching"))
    assert server.booting == []


def test_a_pc_that_died_over_its_job_can_have_another(server: BootServer) -> None:
    desk = server.desk()
    first = armed(server, desk, secret="s3cret")
    token = desk.claim(claim()).token
    second = server.job()
    server.now += DEAD
    refused(409, "at work; off, it can have another", desk.arm, server.signed(second))
    desk.progress(token, Progress("fetching", 1, 2))
    server.now += DEAD
    refused(409, first.id, desk.arm, server.signed(second))
    server.now += timedelta(seconds=1)
    desk.arm(server.signed(second))
    assert state(desk, first).state == "cancelled"
    assert server.booting == [f"{MAC}.cfg"]
    # Had it only lost its link, it goes on by itself, but nobody hears of it any more.
    for act, said in (
        (desk.progress, Progress("fetching", 2, 2)), (desk.secret, Answer()),
        (desk.end, End("done")),
    ):  # fmt: skip
        refused(409, "over: cancelled", act, token, said)
    assert state(desk, second).state == "armed"
    assert desk.claim(claim()).job.encode() == strict.dumps(second)
    refused(409, "has been here: cancelled", desk.arm, server.signed(first))


def test_a_job_that_waits_for_its_pc_makes_no_room(server: BootServer) -> None:
    desk = server.desk()
    first = armed(server, desk)
    server.now += SILENCE
    refused(409, "cancel the run", desk.arm, server.signed(server.job()))
    assert state(desk, first).state == "armed"


def test_a_pc_is_not_silent_because_the_boot_server_was_off(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    token = desk.claim(claim()).token
    server.now += timedelta(hours=2)  # and the window is over
    desk = server.desk()
    refused(409, "at work", desk.arm, server.signed(server.job()))
    assert desk.cancel(Look(job.id)).state == "claimed"
    desk.end(token, End("done"))
    assert state(desk, job).state == "ended"


def test_a_restart_changes_nothing(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    token = desk.claim(claim()).token
    desk.progress(token, Progress("fetching", 1, 2))
    before = state(desk, job)
    (server.root / "grub" / f"{MAC}.cfg").unlink()
    (server.root / "grub" / f"{OTHER_MAC}.cfg").write_text("of a job long gone")
    root = server.root / "roots" / MAC.replace(":", "-")
    root.unlink()
    root.symlink_to("elsewhere")
    root.with_name(OTHER_MAC.replace(":", "-")).symlink_to(TREE)
    root.with_name(f".{root.name}.new").symlink_to(TREE)  # the power went
    desk = server.desk()
    assert state(desk, job) == before
    assert server.booting == [f"{MAC}.cfg"]
    desk.progress(token, Progress("fetching", 2, 2))
    assert token not in "".join(path.read_text() for path in server.root.rglob("state.json"))


def test_waiting_ends_with_what_is_new(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    assert desk.wait(Wait(job.id, -1, 60)).serial == 0
    assert desk.wait(Wait(job.id, 0, 0)).state == "armed"
    desk.claim(claim())
    assert desk.wait(Wait(job.id, 0, 60)).state == "claimed"
    refused(404, "no job", desk.wait, Wait(UUID, 0, 0))


@pytest.mark.parametrize(
    "keys",
    [(), (KEY,) * 9, (KEY + " root@pc",), (KEY + "\n" + KEY,), ("@cert-authority *",), ("",)],
)
def test_only_host_keys_are_taken_for_host_keys(server: BootServer, keys: tuple[str, ...]) -> None:
    desk = server.desk()
    job = armed(server, desk)
    refused(400, "host keys", desk.host_keys, desk.claim(claim()).token, HostKeys(keys))
    assert state(desk, job).host_keys == ()


def test_what_is_long_over_is_forgotten(server: BootServer) -> None:
    desk = server.desk()
    job = armed(server, desk)
    desk.cancel(Look(job.id))
    server.now += timedelta(days=31)
    desk.tidy()
    refused(404, "no job", desk.look, Look(job.id))
    assert list((server.root / "state" / "jobs").iterdir()) == []


def test_a_job_that_cannot_be_read_keeps_no_other_from_its_pc(server: BootServer) -> None:
    desk = server.desk()
    bad, good = armed(server, desk), armed(server, desk, server.job(mac=OTHER_MAC))
    (server.root / "state" / "jobs" / bad.id / "state.json").write_text("{")
    desk = server.desk()
    assert server.booting == [f"{OTHER_MAC}.cfg"]
    refused(404, MAC, desk.claim, claim())
    assert state(desk, good).state == "armed"
