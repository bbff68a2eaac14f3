"""One pack, by a udp-receiver that stands in for the real one."""

from __future__ import annotations

import pytest

from ictops.imaging.agent import receive as module
from ictops.imaging.agent.receive import StreamLost, receive
from ictops.imaging.wire.said import stream_head
from tests.support.room import Image
from tests.unit.imaging.agent.streams import LINK, Stands, name, pack, session


def taken(image: Image, *numbers: int) -> dict[int, bytes]:
    got: dict[int, bytes] = {}
    pieces = [(one, image.index.pieces[one]) for one in numbers]
    receive(LINK, session(image), image.index.packs[0], pieces, got.__setitem__)
    return got


def test_the_wanted_pieces_are_taken(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image))
    assert taken(image, 1, 3) == {1: image.whole[1000:2000], 3: image.whole[3000:4000]}


def test_another_packs_stream_is_refused(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image, 1)) + pack(image, 1))
    with pytest.raises(StreamLost, match="the wrong pack, or none came on port 9000"):
        taken(image, 0)


def test_nothing_received_is_nothing_though_udp_receiver_ends_well(
    image: Image, receiver: Stands
) -> None:
    receiver(b"")
    with pytest.raises(StreamLost, match="nothing came on port 9000"):
        taken(image, 0)


def test_a_damaged_piece_is_refused_and_those_before_are_kept(
    image: Image, receiver: Stands
) -> None:
    damaged = bytearray(pack(image))
    damaged[1500] ^= 1
    receiver(stream_head(name(image)) + damaged)
    got: dict[int, bytes] = {}
    pieces = list(enumerate(image.index.pieces[:4]))
    with pytest.raises(StreamLost, match="at byte 1000 of a pack is damaged"):
        receive(LINK, session(image), image.index.packs[0], pieces, got.__setitem__)
    assert set(got) == {0}


def test_a_stream_that_ends_early_is_told(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image)[:2500])
    with pytest.raises(StreamLost, match="2500 of 4000 bytes came"):
        taken(image, 0, 1, 2, 3)


def test_a_silent_stream_is_given_up(
    image: Image, receiver: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.3)
    receiver(stream_head(name(image)) + pack(image)[:2500], silent=60)
    with pytest.raises(StreamLost, match="nothing more came"):
        taken(image, 0, 1, 2, 3)


def test_no_receiver_is_said(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StreamLost, match="udp-receiver cannot be started: No such file"):
        taken(image, 0)
