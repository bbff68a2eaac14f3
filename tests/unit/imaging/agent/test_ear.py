"""Whether a PC hears its boot server by multicast."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from ictops.imaging.agent import ear as module
from ictops.imaging.agent.ear import Ear
from ictops.imaging.agent.link import Link
from ictops.imaging.wire.said import Session, probe_word
from tests.unit.imaging.agent.streams import GROUP, LINK


def test_silence_and_a_missing_address_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAR_SECONDS", 0.1)
    listen = Session(9000, group=GROUP, listen=True)
    with closing(Ear(LINK)) as ear:
        assert "a switch between" in ear.hear(listen, "room")
        assert not ear.hears
    with closing(Ear(Link("eth9", "192.0.2.1", ""))) as ear:
        assert "can hear no multicast" in ear.hear(listen, "room")


def test_what_was_heard_long_ago_must_be_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Session(9000, group=GROUP, listen=True)
    with closing(Ear(LINK)) as ear, ThreadPoolExecutor() as pool:
        hearing = pool.submit(ear.hear, listen, "room")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.1"))
            while not hearing.done():
                server.sendto(b"something else", (GROUP, 9000))
                server.sendto(probe_word("room"), (GROUP, 9000))
                time.sleep(0.01)
        assert hearing.result() == ""
        assert ear.hears
        monkeypatch.setattr(module, "HEARD_SECONDS", 0.0)
        assert not ear.hears
