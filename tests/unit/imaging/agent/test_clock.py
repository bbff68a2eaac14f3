"""A PC whose battery is empty gets its clock from the boot server, and never an old one."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.imaging.agent import clock
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.session import Session
from ictops.imaging.wire import said
from tests.support.boot_server import Sessions
from tests.unit.imaging.agent.conftest import School


def test_the_clock_goes_forward(school: School) -> None:
    told: list[float] = []
    assert clock.set_forward(school.files.url, lambda: 1000.0, told.append)
    assert abs(told[0] - time.time()) < 60


def test_the_clock_never_goes_back(school: School) -> None:
    ahead = time.time() + 1e6
    told: list[float] = []
    assert not clock.set_forward(school.files.url, lambda: ahead, told.append)
    assert told == []


def test_a_server_without_an_answer_sets_nothing(school: School) -> None:
    school.files.stop()
    assert not clock.set_forward(school.files.url, lambda: 1000.0, lambda _: None)


@pytest.mark.parametrize(("days", "asked"), [(3, True), (-3, False)])
def test_only_a_certificate_of_the_future_asks_for_the_time(
    school: School, tmp_path: Path, days: int, asked: bool
) -> None:
    sessions = made_at(tmp_path / "odd", days)
    sessions.start()
    times: list[int] = []
    session = Session(
        sessions.url, sessions.ca, rest=lambda _: None, set_clock=lambda: times.append(1)
    )
    machine = school.machine(school.blank())
    try:
        with pytest.raises(JobFailed, match="certificate"):
            session.claim(said.Claim(machine.mac, machine.uuid, machine.hardware), 0.2)
    finally:
        sessions.stop()
    assert bool(times) == asked


def made_at(folder: Path, days: int) -> Sessions:
    """Make a boot server whose certificate holds for a day, so many days from now."""
    sessions = Sessions.make(folder)
    begin = datetime.now(UTC) + timedelta(days=days)
    request = ["openssl", "req", "-new", "-key", folder / "tls.key", "-subj", "/CN=boot"]
    asked = subprocess.run(request, check=True, capture_output=True)
    settings = folder / "ca.cnf"
    settings.write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={folder}/list\nnew_certs_dir={folder}\n"
        f"rand_serial=yes\ndefault_md=sha256\npolicy=any\nx509_extensions=more\n[any]\n"
        "commonName=supplied\n[more]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n"
    )
    (folder / "list").touch()
    (folder / "csr").write_bytes(asked.stdout)
    words = ["openssl", "ca", "-config", settings, "-batch", "-notext", "-selfsign"]
    words += ["-keyfile", folder / "tls.key", "-in", folder / "csr", "-out", folder / "odd.crt"]
    form = "%Y%m%d%H%M%SZ"
    words += ["-startdate", begin.strftime(form), "-enddate", (begin + timedelta(1)).strftime(form)]
    subprocess.run(words, check=True, capture_output=True)
    return replace(sessions, ca=folder / "odd.crt")
