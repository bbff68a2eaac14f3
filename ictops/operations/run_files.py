"""Files that a run is given beside its plan: what is too long for it, or concerns one moment."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ictops.plans.model import Plan
from ictops.settings import Settings, make_private
from ictops.store.records import ENDED, RunRecord

KEPT = timedelta(days=14)
"""How long a file is kept that no run has taken away."""


def write_for_run(settings: Settings, folder: str, name: str, data: Any) -> Path:
    """Write JSON down for a run, for its owner only, and give the file; old ones are taken away.

    :param folder: in the state folder, with one of the cluster in it.
    """
    here = settings.resolve(settings.state_dir) / folder / settings.cluster
    make_private(here)
    _take_away_old(here, name)
    path = here / f"{name}-{secrets.token_hex(8)}.json"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(data, file)
    part.replace(path)
    return path


def take_away(run: RunRecord, path: str | None) -> None:
    """Take a file of a run away once that is over."""
    if path and run.state in ENDED:
        Path(path).unlink(missing_ok=True)


def told_in(plan: Plan, variable: str) -> dict[str, Any]:
    """Give what a plan's operation was told under its one variable."""
    told = plan.extra_vars.get(variable)
    return told if isinstance(told, dict) else {}


def _take_away_old(folder: Path, name: str) -> None:
    oldest = datetime.now(UTC).timestamp() - KEPT.total_seconds()
    for path in folder.glob(f"{name}-*.json"):
        with suppress(FileNotFoundError):  # another process was quicker
            if path.stat().st_mtime < oldest:
                path.unlink()
