from __future__ import annotations

from ictops.lab.pcs.model import Pc
from ictops.lab.pcs.wake import woken_by

UUID = "11111111-2222-3333-4444-555555555555"
ONE, OTHER = Pc("one", "52:54:00:77:00:01", UUID), Pc("other", "52:54:00:77:00:02", UUID)


def magic(mac: str, times: int = 16) -> bytes:
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * times


def test_a_magic_packet_wakes_the_one_that_it_names() -> None:
    assert woken_by(magic(OTHER.mac), (ONE, OTHER)) == [OTHER]
    assert woken_by(b"before" + magic(ONE.mac) + b"password", (ONE, OTHER)) == [ONE]


def test_anything_else_wakes_nobody() -> None:
    assert woken_by(magic(ONE.mac, times=15), (ONE, OTHER)) == []
    assert woken_by(magic("52:54:00:77:00:03"), (ONE, OTHER)) == []
    assert woken_by(b"", (ONE, OTHER)) == []
