"""Runs of comparisons of switches, as the role ``switch_config`` would leave them in a journal."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ictops.running.messages import Event
from ictops.running.outcomes import event_row, settle_event
from ictops.running.tally import MARKER_TASK
from ictops.running.tally import tally as tally_of
from ictops.store.journal import Journal
from ictops.store.records import Ending

TASK = "Configure this switch"


def compared(
    difference: Sequence[str], commands: Sequence[str], unsaved: Sequence[str] | None = None
) -> dict[str, Any]:
    """Give what the role says of a switch.

    :param unsaved: how what it has stored differs; None if it does not.
    """
    return {
        "changed": bool(difference or commands),
        "msg": "",
        "difference": list(difference),
        "commands": list(commands),
        "unsaved": unsaved is not None,
        "unsaved_difference": list(unsaved or ()),
    }


CLEAN = compared([], [])
VLAN = compared(["+ vlan 20"], ["vlan 20"])


def unreachable(why: str) -> dict[str, Any]:
    return {"unreachable": True, "msg": why}


def failed(why: str) -> dict[str, Any]:
    return {"failed": True, "msg": why}


def carried(
    journal: Journal,
    run_id: str,
    said: Mapping[str, Mapping[str, Any] | None],
    at: datetime,
    ending: Ending = "finished",
) -> None:
    """Carry a run as an engine does whose job says this of each switch, and end it.

    :param said: what the role says; None if a host went through and nothing was said of it.
    """
    lease = journal.acquire(run_id, at=at)
    site_of = {host.host: host.site for host in journal.hosts(run_id)}
    for site in sorted({site_of[host] for host in said}):
        hosts = [host for host in said if site_of[host] == site]
        shard = lease.start_shard(
            site=site, wave=0, kind="work", token=secrets.token_hex(4), hosts=hosts,
            cluster=journal.run(run_id).cluster, at=at,
        )  # fmt: skip
        assert shard is not None
        heard = [
            Event(
                shard=shard.id, fence=lease.fence, counter=counter, at=at,
                kind=kind, host=host, task=task, data={"res": res},
            )
            for counter, (host, kind, task, res) in enumerate(_events(hosts, said), 1)
        ]  # fmt: skip
        tally = tally_of(heard)
        settled = [one for host in hosts for one in settle_event(tally, shard, host, at)]
        lease.record([event_row(event) for event in heard], settled, at=at)
        lease.end_shard(shard.id, status="successful", reason="", settled=[], at=at)
    lease.let_go(ending, "", at=at)


def _events(
    hosts: Sequence[str], said: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    for host in hosts:
        result = said[host] or {"changed": False}
        bad = next((word for word in ("unreachable", "failed") if result.get(word)), None)
        yield host, f"runner_on_{bad or 'ok'}", TASK, result
        if bad is None:
            yield host, "runner_on_ok", MARKER_TASK, {"msg": "done"}
