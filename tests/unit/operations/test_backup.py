"""From what hosts say of their backups to what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ictops.errors import InventoryError, NoHosts, PlanError
from ictops.operations.backup import BACKUP, NO_WORD, begin_backup, finish_backup
from ictops.operations.backup_promise import Promise, promises, servers
from ictops.operations.backup_status import PROVED_FOR, status
from ictops.operations.finish import finish
from ictops.operations.planning import open_cluster
from ictops.plans.model import Plan
from ictops.running.messages import CUT
from ictops.settings import Settings
from ictops.store.backup_records import Drilled
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from tests.support.backups import (
    DAY,
    HOUR,
    ID,
    OTHER_ID,
    SHA,
    THIRD_ID,
    backed_up,
    ended,
    make_school,
    of_set,
    tried,
)
from tests.support.journals import NOW, make_run

HOST = "oak-srv-01"


@pytest.fixture
def school(settings: Settings) -> Path:
    return make_school(settings.cluster_dir)


def test_what_is_promised_is_read_as_ansible_would(school: Path, settings: Settings) -> None:
    wanted = {
        HOST: Promise(HOST, "oakfield", 26, ("homes", "staff")),
        "oak-srv-02": Promise("oak-srv-02", "oakfield", 50, ("mis",)),
        "elm-srv-01": Promise("elm-srv-01", "elmtree", 26, ("homes",)),
    }
    for _ in range(2):  # the second time from what is kept
        cluster = open_cluster(settings)
        assert promises(settings, cluster) == wanted
    assert list(promises(settings, cluster, sites=["elmtree"])) == ["elm-srv-01"]
    assert servers(cluster) == {"oakfield": ["oak-bak-01"]}
    (school / "host_vars" / "oak-srv-02.yml").write_text("backup_sets: []\n")
    assert "oak-srv-02" not in promises(settings, open_cluster(settings)), "it is not kept stale"


@pytest.mark.parametrize(
    ("said", "hours", "sets"),
    [
        ("backup_sets: '{{ shared_sets }}'", 26, ()),
        ("backup_sets: [{name: a}, '{{ other }}']", 26, ()),
        ("backup_sets: [{name: a}]\nbackup_promise_hours: soon", 26, ("a",)),
        ("backup_sets: [{name: a}]\nbackup_promise_hours: -1", 26, ("a",)),
        ("backup_sets: [{name: a}]\nbackup_promise_hours: true", 26, ("a",)),
        ("backup_sets: [{name: a}]\nbackup_promise_hours: 0.5", 0.5, ("a",)),
    ],
)
def test_what_cannot_be_known_is_not_guessed(
    school: Path, settings: Settings, said: str, hours: float, sets: tuple[str, ...]
) -> None:
    (school / "host_vars" / "oak-srv-02.yml").write_text(said + "\n")
    found = promises(settings, open_cluster(settings))["oak-srv-02"]
    assert (found.hours, found.sets) == (hours, sets)


def test_a_run_keeps_what_each_set_came_to(journal: Journal, settings: Settings) -> None:
    failed = of_set("staff", "", message="no space\x1b[2J left")
    run = ended(
        journal, BACKUP,
        {HOST: backed_up(of_set(), failed), "oak-srv-02": backed_up(of_set("mis", OTHER_ID))},
        outcomes={HOST: "failed"},
    )  # fmt: skip
    done = finish_backup(journal, run)
    assert (done.good, done.bytes, done.bytes_added, done.silent) == (2, 6000, 2000, {})
    assert done.failed == {HOST: {"staff": "no space\N{REPLACEMENT CHARACTER}[2J left"}}
    finish(journal, settings, run)
    sets = {(one.host, one.name): one for one in Backups(journal, "demo").sets()}
    assert {key: (one.good_at, one.failures) for key, one in sets.items()} == {
        (HOST, "homes"): (NOW, 0), (HOST, "staff"): (None, 1), ("oak-srv-02", "mis"): (NOW, 0),
    }  # fmt: skip
    (homes, mis) = Backups(journal, "demo").newest_snapshots()
    assert (homes.snapshot, homes.sample[0].sha256, mis.snapshot) == (ID, SHA, OTHER_ID)


def test_a_set_of_several_databases_is_good_only_if_all_are(journal: Journal) -> None:
    both = [of_set("mis", ID), of_set("mis", OTHER_ID)]
    finish_backup(journal, ended(journal, BACKUP, {HOST: backed_up(*both)}))
    (one,) = Backups(journal, "demo").sets()
    assert (one.files, one.failures) == (6, 0)
    later = [of_set("mis", THIRD_ID), of_set("mis", "", message="a: gone")]
    finish_backup(journal, ended(journal, BACKUP, {HOST: backed_up(*later)}, at=NOW + DAY))
    (one,) = Backups(journal, "demo").sets()
    assert (one.good_at, one.failures, one.message) == (NOW, 1, "a: gone")


def test_a_host_that_was_not_reached_has_not_failed(journal: Journal) -> None:
    finish_backup(journal, ended(journal, BACKUP, {HOST: backed_up(of_set())}))
    for outcome, failures in (("unreachable", 0), ("failed", 1), ("ok", 1)):
        at = NOW + DAY + failures * HOUR
        run = ended(journal, BACKUP, {HOST: None}, outcomes={HOST: outcome}, at=at)  # type: ignore[dict-item]
        done = finish_backup(journal, run)
        assert done.silent == {HOST: f"it is {outcome}" if outcome != "ok" else NO_WORD}
        (one,) = Backups(journal, "demo").sets()
        assert one.failures == failures, outcome


@pytest.mark.parametrize(
    "word",
    [
        None, "done", 7, [], {"repository": "oakfield"}, {"sets": []},
        {"repository": "../../etc", "sets": []},
        {"repository": "oakfield", "sets": {"homes": ID}},
        {"repository": "oakfield", "sets": [of_set(snapshot="../../x")]},
        {"repository": "oakfield", "sets": [of_set(snapshot=7)]},
        {"repository": "oakfield", "sets": [of_set("Homes Of Ann")]},
        {"repository": "oakfield", "sets": [of_set(files=-1)]},
        {"repository": "oakfield", "sets": [of_set(bytes="many")]},
        {"repository": "oakfield", "sets": [of_set(bytes=2**70)]},
        {"repository": "oakfield", "sets": [of_set(at="yesterday")]},
        {"repository": "oakfield", "sets": [of_set(at="2026-10-26T09:00:00")]},
        {"repository": "oakfield", "sets": [of_set(seconds=float("nan"))]},
        {"repository": "oakfield", "sets": [of_set(sample=[{"path": 1}])]},
        {"repository": "oakfield", "sets": [of_set(sample=[
            {"path": "a", "size": 1, "sha256": "x"}])]},
        {"repository": "oakfield\n", "sets": []},
    ],
)  # fmt: skip
def test_nonsense_counts_as_a_failure_and_never_as_a_backup(journal: Journal, word: Any) -> None:
    finish_backup(journal, ended(journal, BACKUP, {HOST: backed_up(of_set())}))
    run = ended(journal, BACKUP, {HOST: {"ictops_backup": word}}, at=NOW + DAY)
    done = finish_backup(journal, run)
    assert done.good == 0
    assert "cannot be read" in done.silent[HOST]
    (one,) = Backups(journal, "demo").sets()
    assert (one.good_at, one.failures) == (NOW, 1)
    assert [one.snapshot for one in Backups(journal, "demo").newest_snapshots()] == [ID]


def test_a_list_that_was_cut_is_read_as_far_as_it_goes(journal: Journal) -> None:
    sample = [{"path": f"/home/{n}", "size": 1, "sha256": SHA} for n in range(3)]
    run = ended(journal, BACKUP, {HOST: backed_up(of_set(sample=[*sample, CUT]))})
    assert finish_backup(journal, run).good == 1
    assert len(Backups(journal, "demo").newest_snapshots()[0].sample) == 3


def test_a_host_speaks_for_itself_only(journal: Journal) -> None:
    said = backed_up(of_set()) | {"host": "oak-srv-02"}
    said["ictops_backup"]["host"] = "oak-srv-02"
    finish_backup(journal, ended(journal, BACKUP, {HOST: said}))
    assert [one.host for one in Backups(journal, "demo").sets()] == [HOST]


def test_only_hosts_with_something_to_back_up_are_in_a_run(
    school: Path, settings: Settings, journal: Journal
) -> None:
    run = journal.run(begin_backup(journal, settings, sets="homes, homes,mis"))
    plan = Plan.model_validate_json(run.plan)
    assert set(plan.hosts) == {HOST, "oak-srv-02", "elm-srv-01"}
    assert [len(site.waves) for site in plan.sites.values()] == [1, 1]
    assert plan.extra_vars == {"backup_run": {"sets": ["homes", "mis"]}}
    assert run.now_reason == "a backup changes nothing on a host"
    assert journal.run(begin_backup(journal, settings, sites=("elmtree",))).operation == BACKUP


def test_what_cannot_be_backed_up_is_told(
    school: Path, settings: Settings, journal: Journal
) -> None:
    with pytest.raises(PlanError, match=r"no host has a set musik.*homes, mis, staff"):
        begin_backup(journal, settings, sets=["musik"])
    with pytest.raises(NoHosts, match="Linux hosts with backup_sets"):
        begin_backup(journal, settings, limit="oak-pc-01")
    with pytest.raises(InventoryError, match="there is no site 'oak'"):
        status(journal, settings, sites=["oak"])
    (school / "elmtree.yml").write_text("site_elmtree: {hosts: {elm-srv-01: }}\n")
    with pytest.raises(NoHosts, match="no host says what of it is to be backed up"):
        begin_backup(journal, settings, sites=("elmtree",))


def test_a_promise_is_kept_or_not_by_the_worst_of_a_host_s_sets(
    school: Path, settings: Settings, journal: Journal
) -> None:
    backups, run = Backups(journal, "demo"), make_run(journal)
    backups.record(run, [tried("homes"), tried("old", snapshot=THIRD_ID, at=NOW - 99 * DAY)])

    def seen(hours: float) -> tuple[Any, ...]:
        now = status(journal, settings, now=NOW + hours * HOUR)
        (one,) = [one for one in now.hosts if one.host == HOST]
        return one.state, one.good_at, one.drill, now.broken

    assert seen(1) == ("never", None, "unproved", True)
    backups.record(run, [tried("staff", snapshot=OTHER_ID, at=NOW + HOUR)])
    assert seen(26) == ("kept", NOW, "unproved", True), "other hosts have no backup yet"
    assert seen(26.5)[0] == "late"
    for number, snapshot in enumerate((ID, OTHER_ID)):
        backups.drill([Drilled("oakfield", snapshot, "oakfield", NOW + HOUR, True, "")])
        assert seen(2)[2] == ("unproved", "proved")[number]
    assert seen((PROVED_FOR + 2 * HOUR) / HOUR)[2] == "unproved"
    backups.drill([Drilled("oakfield", ID, "oakfield", NOW + 2 * HOUR, False, "another")])
    assert seen(2)[2] == "failed"


def test_a_school_without_a_server_is_told(
    school: Path, settings: Settings, journal: Journal
) -> None:
    assert status(journal, settings).without_server == ("elmtree",)
    assert status(journal, settings, sites=["oakfield"]).without_server == ()
