"""From a shard's tally to what the journal says of its hosts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ictops.running.messages import Ended, Event
from ictops.running.tally import Tally
from ictops.store.records import STRAGGLING, OutcomeName, Settled, ShardRecord
from ictops.trust.known_hosts import explain


def event_row(event: Event) -> dict[str, Any]:
    """Give an event as a row of the journal."""
    fields = {"counter", "at", "kind", "host", "task"}
    row = event.model_dump(include=fields)
    return row | {
        "shard_id": event.shard,
        "data": event.model_dump_json(include={"data"}),
    }


def settle_event(tally: Tally, shard: ShardRecord, host: str, next_try: datetime) -> list[Settled]:
    """Give what becomes of a host that just reached its end."""
    found = tally.outcome(host)
    if shard.kind == "health" or found is None:
        return []
    return [_settled(shard, host, found, next_try)]


def settle_end(
    tally: Tally,
    shard: ShardRecord,
    ended: Ended,
    next_try: datetime,
    *,
    cut_off: bool,
    idempotent: bool,
) -> list[Settled]:
    """Give what becomes of the hosts that had not reached their end when the shard was over.

    :param cut_off: whether we ended the shard, so that a host without an outcome is one
        that was in the middle of something.
    """
    settled: list[Settled] = []
    # Where every host of a play fails, Ansible begins no further play, also not for others.
    kept_out = any(tally.outcome(host) for host in shard.hosts)
    for host in shard.hosts:
        seen = tally.hosts.get(host)
        found = tally.outcome(host)
        if shard.kind == "health":
            if found is not None and found[0] in {"failed", "unreachable"}:
                settled.append(Settled(host, "ended", "failed", f"health check: {found[1]}"))
            elif found is None and not cut_off:
                reason = ended.reason or "it did not run to its end"
                settled.append(Settled(host, "ended", "failed", f"health check: {reason}"))
            continue
        if seen is not None and seen.reached_end:
            continue  # settled when it got there
        begun = seen is not None and seen.tasks > 0
        if found is not None and found[0] == "unreachable" and begun and not idempotent:
            text = f"{found[1]}; it was half done and the plan says not idempotent"
            settled.append(Settled(host, "ended", "failed", text))
        elif found is not None and not cut_off:
            settled.append(_settled(shard, host, found, next_try))
        elif cut_off and (seen is None or idempotent):
            settled.append(Settled(host, "pending", None, "cut off, to be done again"))
        elif cut_off:
            busy = f" in task '{seen.busy_with}'" if seen and seen.busy_with else ""
            text = f"cut off{busy}; the plan says not idempotent, so look at the host first"
            settled.append(Settled(host, "ended", "failed", text))
        elif kept_out and (idempotent or not begun):
            # The next shard has fewer hosts, so this comes to an end.
            settled.append(Settled(host, "pending", None, "all others failed before its turn"))
        else:
            reason = ended.reason or "Ansible dropped it before its end"
            settled.append(Settled(host, "ended", "failed", reason))
    return settled


def _settled(
    shard: ShardRecord, host: str, found: tuple[OutcomeName, str], next_try: datetime
) -> Settled:
    outcome, reason = found
    if outcome == "unreachable":
        reason = explain(reason, shard.site, host) or reason
    if outcome in STRAGGLING:
        return Settled(host, "pending", outcome, reason, next_try)
    return Settled(host, "ended", outcome, reason)
