"""A store with a key, and versions made of small disks."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ictops.imaging.images.publish import Published, publish
from ictops.imaging.images.signing import Signing, signing_of
from ictops.imaging.images.store import Store, Version, writing
from tests.support.disks import make_disk

Make = Callable[..., Published]


def some_files(seed: int, count: int = 60) -> dict[str, bytes]:
    """Files that no compression makes smaller, of up to 100 kB."""
    chance = random.Random(seed)
    return {f"{seed}-{n:03}": chance.randbytes(chance.randrange(100_000)) for n in range(count)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "imaging" / "store")


@pytest.fixture
def signing(tmp_path: Path) -> Signing:
    return signing_of(tmp_path / "imaging")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return make_disk(tmp_path / "disk", some_files(1))


@pytest.fixture
def make(store: Store, signing: Signing) -> Make:
    """Publish a version of a disk."""
    return publishing(store, signing)


def publishing(store: Store, signing: Signing) -> Make:
    def made(disk: Path, version: str = "1", name: str = "room") -> Published:
        with writing(store) as work:
            return publish(
                disk,
                Version(name, version),
                store=store,
                signing=signing,
                work=work,
                seed=None,
                say=lambda _: None,
            )

    return made
