"""What takes minutes to make and is the same for all tests: the agent's Linux, and an image."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from ictops.imaging.images.publish import Published
from ictops.operations.image_agent import build_agent
from ictops.operations.images import build
from ictops.settings import Settings, content_dir


@dataclass(frozen=True)
class Golden:
    """A Debian for UEFI and BIOS, published as ``classroom`` by the demonstration's recipe."""

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


@pytest.fixture(scope="session")
def imaging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all that imaging keeps, with the agent's Linux; no test changes it."""
    folder = tmp_path_factory.mktemp("control")
    build_agent(Settings(workspace=folder, state_dir=Path("state")))
    return folder / "state/imaging"


@pytest.fixture(scope="session")
def golden(imaging: Path) -> Golden:
    """The image, in the folder of ``imaging``; no test changes it."""
    settings = Settings(workspace=imaging.parents[1], state_dir=Path("state"))
    recipe, said = content_dir() / "demo" / "classroom.yml", list[str]()
    done = build(settings, "classroom", recipe=recipe, version="1", say=said.append)
    return Golden(imaging, done, tuple(said))
