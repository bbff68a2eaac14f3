"""What a PC with a cache is ordered: jobs, GRUB's environment, and the firmware's order."""

from __future__ import annotations

import json
import stat
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import efi, local
from ansible_collections.ictops.schools.plugins.modules import imaging_local

from ictops.imaging.agent.bootpart import environment, read_environment
from ictops.imaging.wire import strict
from ictops.imaging.wire.local import KeptJob, Report
from ictops.imaging.wire.said import End
from tests.unit.collection.test_efi import DISK, MAC, entry, network

JOB = "4c4c4544-0000-4000-8000-000000000001"


@pytest.fixture
def pc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the two partitions as folders, and a firmware's variables."""
    for name in ("ictops-boot/grub", "ictops-cache", "efivars"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ictops-boot" / local.ENVIRONMENT).write_bytes(
        environment({"ictops_writing": "0", "ictops_healed": "1"})
    )
    entry(tmp_path / "efivars", 3, "debian", DISK)
    entry(tmp_path / "efivars", 7, local.ENTRY, DISK)

    @contextmanager
    def as_it_is(device: Path, _kind: str):
        yield device

    monkeypatch.setattr(imaging_local, "mounted", as_it_is)
    return tmp_path


def put(pc: Path, *, standing: bool = False, write: bool = True) -> dict[str, Any]:
    job = json.dumps({"id": JOB})
    asked = {"job": job, "signature": "s", "standing": standing, "efivars": pc / "efivars"}
    return imaging_local.put(asked, pc / "ictops-boot", pc / "ictops-cache", write=write)


def order(pc: Path) -> list[int]:
    data = (pc / "efivars" / f"BootOrder-{efi.GLOBAL}").read_bytes()[4:]
    return [one for (one,) in struct.iter_unpack("<H", data)]


def told(pc: Path) -> dict[str, str]:
    return read_environment((pc / "ictops-boot" / local.ENVIRONMENT).read_bytes())


def test_a_job_is_done_at_the_next_boot(pc: Path) -> None:
    result = put(pc)
    assert (result["changed"], result["id"], result["stage"]) == (True, JOB, "armed")
    path = pc / "ictops-cache/jobs/once.json"
    assert strict.loads(KeptJob, path.read_bytes()) == KeptJob(json.dumps({"id": JOB}), "s")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert told(pc) == {"ictops_writing": "0", "ictops_healed": "1", "ictops_next": "1"}
    next_boot = (pc / "efivars" / f"BootNext-{efi.GLOBAL}").read_bytes()
    assert next_boot == struct.pack("<IH", 7, 7)


def test_a_standing_job_is_put_there_once_and_first_in_the_firmwares_order(pc: Path) -> None:
    (pc / "efivars" / f"BootOrder-{efi.GLOBAL}").write_bytes(struct.pack("<I2H", 7, 3, 7))
    assert put(pc, standing=True)["changed"]
    assert order(pc) == [7, 3]
    assert told(pc) == {"ictops_writing": "0", "ictops_always": "1", "ictops_healed": "0"}
    assert not (pc / "efivars" / f"BootNext-{efi.GLOBAL}").exists()
    assert not put(pc, standing=True)["changed"]
    boot, cache = pc / "ictops-boot", pc / "ictops-cache"
    assert imaging_local.take_back(boot, cache, write=True)["changed"]
    assert told(pc)["ictops_always"] == "0"
    assert not imaging_local.take_back(boot, cache, write=True)["changed"]


def test_nothing_is_written_in_check_mode(pc: Path) -> None:
    assert put(pc, write=False)["changed"]
    assert not (pc / "ictops-cache/jobs").exists()
    assert "ictops_next" not in told(pc)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (End("done", notes=("its cache is too small",)), "it is done; its cache is too small"),
        (End("failed", "disk-failing", "it is broken"), "disk-failing: it is broken"),
    ],
)
def test_what_became_of_a_job_is_told_and_it_is_not_put_there_again(
    pc: Path, end: End, said: str
) -> None:
    assert imaging_local.collect(JOB, pc / "ictops-cache")["stage"] == "armed"
    (pc / "ictops-cache/reports").mkdir()
    report = Report(JOB, end, "2026-01-01T00:00:00+00:00")
    (pc / f"ictops-cache/reports/{JOB}.json").write_bytes(strict.dumps(report))
    found = imaging_local.collect(JOB, pc / "ictops-cache")
    assert (found["stage"], found["msg"]) == ("ended", said)
    again = put(pc)
    assert (again["changed"], again["stage"]) == (False, "ended")
    last = imaging_local.last(pc / "ictops-boot", pc / "ictops-cache")
    assert strict.from_data(Report, last["ictops_healed"]) == report
    assert last["msg"] == f"it put itself back at {report.at}: {said}"


def test_a_pc_that_has_done_nothing_yet_has_nothing_to_tell(pc: Path) -> None:
    boot, cache = pc / "ictops-boot", pc / "ictops-cache"
    assert imaging_local.last(boot, cache) == {"msg": "it was not put back yet"}
    assert imaging_local.last(boot, pc / "none") == {"msg": "it has no cache"}


def test_a_pc_that_asks_its_boot_server_at_each_start_goes_on_doing_so(pc: Path) -> None:
    entry(pc / "efivars", 1, "network", network(MAC))
    entry(pc / "efivars", 2, "network, IPv6", network(MAC, ipv6=True))
    path = pc / "efivars" / f"BootOrder-{efi.GLOBAL}"
    path.write_bytes(struct.pack("<I5H", 7, 1, 2, 3, 7, 9))
    put(pc, standing=True)
    assert order(pc) == [1, 2, 7, 3, 9]
    assert not put(pc, standing=True)["changed"]


def test_a_firmware_without_our_entry_and_a_damaged_environment_are_told(pc: Path) -> None:
    (pc / "efivars" / f"Boot0007-{efi.GLOBAL}").unlink()
    with pytest.raises(OSError, match="no entry 'ictops heal'"):
        put(pc)
    (pc / "ictops-boot" / local.ENVIRONMENT).write_bytes(b"nonsense")
    with pytest.raises(OSError, match="damaged"):
        put(pc)


def test_a_pc_without_a_cache_cannot(pc: Path) -> None:
    assert imaging_local.look(pc / "ictops-boot", pc / "ictops-cache")["able"]
    assert not imaging_local.look(pc / "none", pc / "ictops-cache")["able"]
    (pc / "ictops-boot" / local.ENVIRONMENT).unlink()
    assert not imaging_local.look(pc / "ictops-boot", pc / "ictops-cache")["able"]
