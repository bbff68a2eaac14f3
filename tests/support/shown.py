"""The platforms' test data: what switches show, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "data" / "network"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a platform's switch shows.

    :ivar texts: by name: running, running-later, startup, version, neighbours.
    :ivar volatile: lines by the name of the text that they are in.
    :ivar kept: lines of the running configuration that only look like secrets or volatile ones.
    :ivar unseen_cuts: after how many lines a configuration can be cut off without being seen.
    """

    texts: dict[str, str]
    secrets: list[str]
    volatile: dict[str, list[str]]
    kept: list[str]
    refused: list[str]
    harmless: list[str]
    unseen_cuts: int

    @property
    def running(self) -> str:
        return self.texts["running"]


@cache
def shown_by(platform: str) -> Shown:
    folder = FOLDER / platform
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    refused, _, harmless = texts.pop("refused").partition("\n# Harmless")
    expected = yaml.safe_load((folder / "expect.yml").read_text(encoding="utf-8"))
    return Shown(
        texts=texts,
        refused=refused.splitlines()[1:],
        harmless=harmless.splitlines()[1:],
        **expected,
    )


@cache
def expected_map(platform: str) -> dict[str, list[dict[str, Any]]]:
    """Give the neighbours and ports that a platform's switch shows."""
    read: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        (FOLDER / platform / "map.yml").read_text()
    )
    return read
