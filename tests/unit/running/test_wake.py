from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.estate.models import Site
from ictops.running.wake import wake

MACS = ["02:1c:71:00:ab:14", "02:1c:71:00:ab:15"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """What hears the broadcasts of loopback's own network, 127.0.0.0/8."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.255.255.255", 0))
        it.settimeout(5)
        yield it


def site(*subnets: str) -> Site:
    return Site(
        code="oak", name="Oak", phase="primary", timezone="Europe/London", calendar="council",
        source=Path("oak.yml"), digest="", host_count=2, variables={"site_subnets": [*subnets]},
    )  # fmt: skip


def magic(mac: str) -> bytes:
    """Six times 0xff and sixteen times the MAC (AMD's white paper 20213)."""
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16


def test_each_host_gets_its_magic_packet(listener: socket.socket) -> None:
    wake(MACS, site("127.0.0.0/8"), port=listener.getsockname()[1])
    assert [listener.recv(200) for _ in MACS] == [magic(mac) for mac in MACS]


def test_what_cannot_be_sent_is_logged_and_keeps_nobody_else_asleep(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        subnets = ("no subnet", "2001:db8::/64", "127.0.0.0/8")
        wake(["not a MAC", MACS[0]], site(*subnets), port=listener.getsockname()[1])
    assert listener.recv(200) == magic(MACS[0])
    assert "no wake-on-LAN to not a MAC at oak (127.0.0.0/8)" in caplog.text
    assert "(no subnet)" in caplog.text
