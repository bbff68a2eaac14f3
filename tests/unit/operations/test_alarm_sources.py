"""What is an alarm, and how severe it is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ictops.operations.alarm_sources import (
    LASTS,
    STUCK_AFTER,
    BackupSeen,
    of_backups,
    of_deliveries,
    of_drift,
    of_errors,
    of_runs,
    of_slots,
)
from ictops.operations.alarms import look
from ictops.settings import Settings
from ictops.store.alarm_records import Alarm, DeliveryRecord
from ictops.store.alarms import Alarms
from ictops.store.counts import Counts
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import (
    Checked,
    Differing,
    OutcomeName,
    Scheduled,
    ScheduleRecord,
    Settled,
    SiteState,
)
from ictops.store.slot_filling import Filling
from ictops.store.slots import Slots
from tests.support.journals import NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def run(
    journal: Journal,
    hosts: dict[str, OutcomeName | None],
    *,
    title: str = "software",
    state: SiteState | None = "done",
    reason: str = "",
    at: datetime = NOW,
    ending: str | None = "finished",
    sites: tuple[str, ...] = ("oakfield",),
    cluster: str = "demo",
    operation: str = "rollout",
) -> str:
    """Write a run down that came to this at each of its sites."""
    run_id = journal.create_run(
        operation=operation, title=title, cluster=cluster, plan="{}", by="ann", at=at,
        plan_digest=f"{title}{at}{cluster}"[:64],
        hosts=[(site, f"{site}-{host}", 0) for site in sites for host in hosts],
    )  # fmt: skip
    lease = journal.acquire(run_id, at=at)
    for site in sites:
        settled = [
            Settled(f"{site}-{host}", "ended", outcome)
            for host, outcome in hosts.items()
            if outcome is not None
        ]
        lease.record([], settled, at=at)
        if state is not None:
            lease.end_site(site, state, reason, [], at=at)
    if ending is not None:
        lease.let_go(ending, "", at=at)  # type: ignore[arg-type]
    else:
        lease.release()
    return run_id


def runs(journal: Journal, now: datetime = NOW) -> list[tuple[str, str, str]]:
    found = of_runs(Counts(journal, "demo"), now)
    return [(one.severity, one.site, one.text) for one in found]


def test_a_run_that_a_gate_stopped_is_urgent_while_it_goes_on_elsewhere(journal: Journal) -> None:
    one = run(journal, {"a": "failed", "b": None}, state="stopped", reason="1 of 2", ending=None)
    assert runs(journal) == [("urgent", "oakfield", f"software (run {one}) was stopped: 1 of 2")]


def test_a_run_that_left_hosts_behind_is_told_once_it_is_over(journal: Journal) -> None:
    run(journal, {"a": "failed", "b": "ok"}, ending=None)
    assert runs(journal) == []
    one = run(journal, {"a": "failed", "b": "ok", "c": "unreachable"}, title="x")
    other = run(journal, {"a": "ok", "b": "unreachable", "c": "deferred"}, title="y")
    run(journal, {"a": "ok", "b": "changed", "c": "skipped"}, title="z")
    run(journal, {"a": "failed"}, title="cancelled", state=None, ending="cancelled")
    assert set(runs(journal)) == {
        ("warning", "oakfield", f"x (run {one}) ended with 1 of 3 hosts failed"),
        ("info", "oakfield", f"y (run {other}) ended with 2 of 3 hosts not done"),
    }


def test_each_site_has_an_alarm_of_its_own(journal: Journal) -> None:
    run(journal, {"a": "failed", "b": "ok"}, sites=("oakfield", "elmtree"))
    assert sorted(site for _, site, _ in runs(journal)) == ["elmtree", "oakfield"]


def test_a_newer_run_that_went_well_takes_the_alarm_away(journal: Journal) -> None:
    run(journal, {"a": "failed"})
    run(journal, {"a": "failed"}, title="another")
    run(journal, {"a": None}, at=NOW + HOUR, ending=None, state=None)
    assert len(runs(journal)) == 2, "one that has come to nothing yet says nothing"
    run(journal, {"a": "ok"}, at=NOW + 2 * HOUR)
    assert [text.partition(" ")[0] for _, _, text in runs(journal)] == ["another"]


def test_a_newer_run_that_failed_too_has_changed_the_alarm(
    journal: Journal, settings: Settings
) -> None:
    run(journal, {"a": "failed"})
    look(journal, settings, NOW)
    for hours, hosts in ((1, ["a"]), (2, ["a", "b"])):
        other = run(journal, dict.fromkeys(hosts, "failed"), at=NOW + hours * HOUR)
        look(journal, settings, NOW + hours * HOUR)
        (one,) = Alarms(journal).standing("demo")
        assert (one.version, other in one.text) == (hours, True), "the same again is no news"


def test_a_run_that_a_gate_stopped_again_is_news(journal: Journal, settings: Settings) -> None:
    for hours in (0, 1):
        at = NOW + hours * HOUR
        run(journal, {"a": "failed"}, state="stopped", reason="1 of 1", at=at)
        look(journal, settings, at)
    (one,) = Alarms(journal).standing("demo")
    assert one.version == 2


def test_a_run_that_only_looks_leaves_what_it_found_to_others(journal: Journal) -> None:
    run(journal, {"a": "failed"}, operation="switch-drift")
    assert runs(journal) == []


def test_what_is_long_over_is_no_alarm_nor_what_is_another_cluster_s(journal: Journal) -> None:
    run(journal, {"a": "failed"})
    run(journal, {"a": "failed"}, cluster="lab")
    assert len(runs(journal, NOW + LASTS - HOUR)) == 1
    assert runs(journal, NOW + LASTS + HOUR) == []


def test_what_a_tick_could_not_do_is_told_once() -> None:
    said = ["run x: no space", "run y: no space", "run x: no space"]
    told = of_errors(said)
    assert [one.text for one in told] == [f"ictops tick: {text}" for text in said[:2]]
    assert {one.severity for one in told} == {"warning"}


VLAN = Differing("running vs intended", "a" * 64, "+ vlan 20")


def test_drift_is_told_and_that_of_a_domain_controller_at_once(
    journal: Journal, settings: Settings
) -> None:
    settings.cluster_dir.mkdir(parents=True)
    (settings.cluster_dir / "oakfield.yml").write_text(
        "site_oakfield: {hosts: {ws-1: , dc-1: , ws-2: , ws-3: , ws-4: }}\n"
        "domain_controllers: {hosts: {dc-1: }}\n"
    )
    run_id = run(journal, {"a": "ok"})

    def checked(host: str, *differing: Differing) -> Checked:
        return Checked(host, "oakfield", "drift" if differing else "clean", NOW, "", differing)

    silent = [
        Checked("ws-3", "oakfield", "unreachable", NOW, "it is off"),
        Checked("ws-4", "oakfield", "error", NOW, "ws-4: no python\nat line 1"),
    ]
    said = [checked("ws-1", VLAN), checked("dc-1", VLAN), checked("ws-2"), *silent]
    Drifts(journal).record("demo", "roles", run_id, said)
    assert look(journal, settings, NOW) == []
    assert [
        (one.severity, one.site, one.host, one.text) for one in Alarms(journal).standing("demo")
    ] == [
        ("urgent", "oakfield", "dc-1", "roles drift: running vs intended"),
        ("warning", "oakfield", "ws-4", "roles: cannot be checked for drift: <host>: no python"),
        ("warning", "oakfield", "ws-1", "roles drift: running vs intended"),
    ]
    assert "+ vlan 20" not in str(Alarms(journal).standing("demo")), "a difference may be long"


def test_another_difference_of_the_same_thing_has_changed_the_alarm(journal: Journal) -> None:
    run_id = run(journal, {"a": "ok"})
    drifts = Drifts(journal)

    def told(digest: str, at: datetime) -> Alarm:
        one = Differing("sudoers", digest * 64, "+ ann")
        drifts.record("demo", "roles", run_id, [Checked("ws", "oak", "drift", at, "", (one,))])
        (alarm,) = of_drift(drifts.newest("demo"), drifts.found("demo"), ())
        return alarm

    one, again, other = told("a", NOW), told("a", NOW + DAY), told("b", NOW + 2 * DAY)
    assert one == again
    assert (one.key, one.text) == (other.key, other.text)
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("age", "failures", "drill", "told"),
    [
        (HOUR, 0, "proved", []),
        (25 * HOUR, 0, "proved", ["urgent the last good backup is older than promised"]),
        (HOUR, 1, "proved", ["warning the backup failed"]),
        (HOUR, 2, "proved", ["urgent the backup failed twice or more in a row"]),
        (HOUR, 0, "unproved", ["info no restore of its backup was tried lately"]),
        (None, 0, "proved", ["warning there is no good backup yet"]),
        (HOUR, 0, "failed", ["urgent a restore drill failed"]),
    ],
)  # fmt: skip
def test_a_backup_is_told_of_by_what_became_of_it(
    age: timedelta | None, failures: int, drill: str, told: list[str]
) -> None:
    last = None if age is None else NOW - age
    seen = BackupSeen("srv", "oakfield", last, DAY, failures, drill)  # type: ignore[arg-type]
    found = list(of_backups([seen], NOW))
    assert [f"{one.severity} {one.text}" for one in found] == told
    assert {(one.host, one.site) for one in found} <= {("srv", "oakfield")}


def test_an_alarm_of_a_backup_does_not_change_because_time_goes_by() -> None:
    seen = BackupSeen("srv", "oakfield", NOW - 2 * DAY, DAY, 0, "proved")
    assert list(of_backups([seen], NOW)) == list(of_backups([seen], NOW + DAY))


def scheduled(journal: Journal, name: str = "backup", *, cluster: str = "demo") -> ScheduleRecord:
    """Write a schedule down that is due at each site at nine for four days from now."""
    schedule = Slots(journal).add(
        cluster=cluster, name=name, rule="every day at 09:00", operation="switch backup", sites=(),
        limit=None, options={}, jitter=0 * HOUR, missed="skip", within=None, by="ann", at=NOW,
    )  # fmt: skip
    days = {(NOW + n * DAY).date(): NOW + n * DAY for n in range(4)}
    fillings = [
        Filling(site, "UTC", days, NOW - HOUR, NOW + 4 * DAY) for site in ("oakfield", "elmtree")
    ]
    Slots(journal).fill(schedule, fillings, NOW)
    return schedule


def missed(journal: Journal, schedule: ScheduleRecord, now: datetime, *sites: str) -> None:
    """Let every time be missed that is due."""
    slots = Slots(journal)
    due = [one for one in slots.due(schedule.id, now) if one.site in sites]
    slots.miss(schedule.cluster, {one.id: "the box was off" for one in due})


def of_schedules(journal: Journal, now: datetime) -> list[tuple[str, str, str]]:
    found = of_slots(Counts(journal, "demo").slots_over(now - LASTS))
    return sorted((one.severity, one.site, one.text) for one in found)


def test_a_time_that_was_missed_is_told_until_one_after_it_is_not(
    journal: Journal, settings: Settings
) -> None:
    schedule = scheduled(journal)
    scheduled(journal, "another")
    assert of_schedules(journal, NOW) == []
    missed(journal, schedule, NOW + DAY, "oakfield", "elmtree")
    assert of_schedules(journal, NOW + DAY) == [
        ("warning", site, "schedule backup was missed: the box was off")
        for site in ("elmtree", "oakfield")
    ]
    begin(journal, schedule, NOW + 2 * DAY, "oakfield")
    assert [site for _, site, _ in of_schedules(journal, NOW + 2 * DAY)] == ["elmtree"]
    assert of_schedules(journal, NOW + DAY + LASTS + HOUR) == []


def test_another_night_that_was_missed_is_news(journal: Journal, settings: Settings) -> None:
    schedule = scheduled(journal)
    for night in (0, 1):
        missed(journal, schedule, NOW + night * DAY, "oakfield")
        for _ in range(2):
            look(journal, settings, NOW + night * DAY)
        (one,) = Alarms(journal).standing("demo")
        assert one.version == 1 + night


def test_a_schedule_that_was_removed_or_is_another_cluster_s_is_no_alarm(
    journal: Journal,
) -> None:
    for cluster in ("demo", "lab"):
        missed(journal, scheduled(journal, cluster=cluster), NOW, "oakfield")
    assert len(of_schedules(journal, NOW)) == 1
    Slots(journal).remove("demo", "backup", by="ann", at=NOW)
    assert of_schedules(journal, NOW) == []


def begin(journal: Journal, schedule: ScheduleRecord, now: datetime, site: str) -> None:
    """Begin the newest time that is due at a site."""
    slots = Slots(journal)
    (*_, one) = [one for one in slots.due(schedule.id, now) if one.site == site]
    slots.claim(schedule.cluster, [one], "abc123")
    journal.create_run(
        operation="switch-backup", title="t", cluster="demo", plan="{}", plan_digest="x" * 64,
        hosts=[(site, "sw-1", 0)], by="ann", at=now,
        scheduled=Scheduled("abc123", schedule.name),
    )  # fmt: skip


def test_a_route_that_takes_nothing_is_as_urgent_as_what_it_does_not_take() -> None:
    def waiting(
        route: str, minutes: float, *, urgent: bool = False, tries: int = 1
    ) -> DeliveryRecord:
        made, why = NOW - minutes * timedelta(minutes=1), "away" if tries else ""
        return DeliveryRecord(
            1, "demo", route, urgent, "title", "text", made, "waiting", tries, NOW, None, why
        )

    half = STUCK_AFTER / timedelta(minutes=1)
    told = of_deliveries(
        [
            waiting("a", half + 1), waiting("b", half + 1), waiting("b", half + 1, urgent=True),
            waiting("c", half - 1), waiting("d", 600, tries=0),
        ],
        NOW,
    )  # fmt: skip
    assert [(one.key, one.severity) for one in told] == [("a", "warning"), ("b", "urgent")]
