"""Somebody who is to be told of what goes wrong, and what arrives there."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from ictops.settings import Settings
from ictops.store.alarm_records import Alarm
from ictops.store.alarms import Alarms
from ictops.store.journal import Journal
from tests.support.journals import NOW
from tests.support.services import Web

TOKEN = "T0K3N-of-the-team"
STOPPED = Alarm("k3w9ab", "urgent", "a gate stopped it", "oakfield")
FAILED = Alarm("ws-1", "warning", "drift: sudoers", "oakfield", "ws-1")


def set_up(settings: Settings, text: str, cluster: str = "demo") -> Path:
    """Write who is told of what."""
    folder = settings.workspace / "inventories" / cluster
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oakfield.yml").write_text("site_oakfield: {hosts: {ws-1: {}}}\n")
    (folder / "notify.yml").write_text(text)
    return folder / "notify.yml"


def one_route(web: Web, more: str = "") -> str:
    return (
        f"routes:\n  - name: team\n    url: json://{web.place}/{TOKEN}\n    severity: info\n{more}"
    )


def tell(journal: Journal, *alarms: Alarm, at: datetime = NOW) -> None:
    Alarms(journal).tell("demo", "run", alarms, at)


def texts(web: Web) -> list[str]:
    """Give the messages that arrived, without their last line, which is always the same."""
    return [json.loads(one.body)["message"].rsplit("\n\n", 1)[0] for one in web.asked]


def titles(web: Web) -> list[str]:
    return [json.loads(one.body)["title"] for one in web.asked]
