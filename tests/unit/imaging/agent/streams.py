"""Two small packs, and a udp-receiver that gives what it is told to."""

from __future__ import annotations

from collections.abc import Callable

from ictops.imaging.agent.link import Link
from ictops.imaging.wire.said import Session
from tests.support.room import Image

LINK = Link("lo", "127.0.0.1", "127.0.0.1")
GROUP = "239.255.35.40"

Stands = Callable[..., None]
"""Has udp-receiver receive these bytes, and then say nothing for so many seconds."""


def name(image: Image, number: int = 0) -> str:
    return image.index.packs[number].digest.hex()


def pack(image: Image, number: int = 0) -> bytes:
    return image.whole[number * 4000 : (number + 1) * 4000]


def session(image: Image) -> Session:
    return Session(9000, pack=name(image), group=GROUP)
