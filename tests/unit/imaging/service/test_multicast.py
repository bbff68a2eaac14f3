from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ictops.imaging.service.multicast import PROBE_SECONDS, Multicast, Setting, Slots
from ictops.imaging.service.sender import CannotSend, Line
from ictops.imaging.wire.said import Ready
from tests.support.room_machines import job_of

JOB = job_of("10.0.0.1", "room", 2)
READY = Ready(("a" * 64,), "10.0.0.1", heard=True)


@pytest.fixture
def lo(tmp_path: Path) -> Iterator[Multicast]:
    one = Multicast(Setting(Line("lo"), tmp_path))
    yield one
    one.stop()


def test_a_job_for_one_pc_has_no_room(lo: Multicast) -> None:
    alone = replace(JOB, multicast=None)
    assert lo.join(alone, READY).unicast == "this job is for one PC alone"


def test_a_boot_server_without_sender_says_what_to_install(
    lo: Multicast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install Debian's package udpcast" in lo.join(JOB, READY).unicast


def test_an_interface_without_address_is_named(tmp_path: Path, a_sender: None) -> None:
    one = Multicast(Setting(Line("eth98"), tmp_path))
    try:
        assert "interface eth98 has no IPv4 address" in one.join(JOB, READY).unicast
    finally:
        one.stop()


@pytest.fixture
def a_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "udp-sender"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_a_pc_listens_first(lo: Multicast, a_sender: None) -> None:
    told = lo.join(JOB, replace(READY, heard=False))
    assert told.listen
    assert told.group.startswith("239.255.")


def test_a_pc_that_wants_nothing_leaves(lo: Multicast, a_sender: None) -> None:
    assert "takes no part" in lo.join(JOB, Ready(())).unicast


def test_a_stopped_service_sends_nothing(lo: Multicast, a_sender: None) -> None:
    lo.stop()
    assert "the boot server's service stops" in lo.join(JOB, READY).unicast


def test_ports_are_used_again_as_late_as_can_be() -> None:
    slots = Slots(9000, 3)
    assert (slots.take(), slots.take()) == (9000, 9002)
    slots.give_back(9000)
    assert (slots.take(), slots.take()) == (9004, 9000)
    with pytest.raises(CannotSend, match="too many rooms"):
        slots.take()


def test_a_room_that_is_left_gives_its_port_to_another(tmp_path: Path, a_sender: None) -> None:
    now = 0.0
    one = Multicast(Setting(Line("lo"), tmp_path, slots=1), lambda: now)
    listens = replace(READY, heard=False)
    try:
        # The other PC's job failed before it asked for anything: so nobody hears that it left.
        one.leave(job_of("10.0.0.2", "room", 2))
        assert one.join(JOB, listens).listen
        one.leave(JOB)
        other = job_of("10.0.0.3", "another room", 2)
        assert "too many rooms" in one.join(other, listens).unicast  # a PC may still listen there
        now = PROBE_SECONDS
        assert one.join(other, listens).listen
    finally:
        one.stop()


def test_ports_begin_at_an_even_one() -> None:
    with pytest.raises(ValueError, match="cannot begin at 9001"):
        Slots(9001, 3)
