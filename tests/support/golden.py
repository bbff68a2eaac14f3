"""What takes minutes to make and is the same for all tests: the agent's Linux, and an image."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ictops.imaging.images.publish import Published
from ictops.operations.image_agent import build_agent
from ictops.operations.images import build
from ictops.settings import Settings

RECIPE = Path(__file__).parents[1] / "data" / "classroom.yml"


@dataclass(frozen=True)
class Golden:
    """A Debian for UEFI and BIOS, published as ``classroom``."""

    imaging: Path
    """The folder of all that imaging keeps, with the agent's Linux and the image."""
    published: Published
    said: tuple[str, ...]
    """What its builder told meanwhile."""

    def copy_to(self, workspace: Path) -> Path:
        """Copy all that imaging keeps to a workspace that may change it."""
        there = workspace / "state/imaging"
        shutil.copytree(self.imaging, there)
        return there


@contextmanager
def _made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Give a folder for all of the tests' processes, of which one makes what is in it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def imaging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all that imaging keeps, with the agent's Linux; no test changes it."""
    with _made_once(tmp_path_factory, "control") as folder:
        imaging = folder / "state/imaging"
        if not (imaging / "agent").exists():
            build_agent(Settings(workspace=folder, state_dir=Path("state")))
    return imaging


@pytest.fixture(scope="session")
def golden(imaging: Path, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """The image, in the folder of ``imaging``; no test changes it."""
    with _made_once(tmp_path_factory, "golden") as folder:
        kept = folder / "golden"
        if not kept.exists():
            settings = Settings(workspace=imaging.parents[1], state_dir=Path("state"))
            said = list[str]()
            done = build(settings, "classroom", recipe=RECIPE, version="1", say=said.append)
            kept.write_bytes(pickle.dumps(Golden(imaging, done, tuple(said))))
        found: Golden = pickle.loads(kept.read_bytes())  # noqa: S301 - our own
    return found
