"""What a run in check mode says of each host, told from its events.

Each task that would have changed something is a difference. A module may say itself what
differs, in its result's ``differs``: a list of ``what``, ``before`` (on the host) and ``after``
(as it should be). Where it only looks, and changes nothing itself, the tasks of its role that
follow from it are not told again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import unified_diff
from typing import Any

import yaml

from ictops.operations.drift import differing_of, without_name
from ictops.running.messages import CUT
from ictops.store.journal import Journal
from ictops.store.records import GOOD, Checked, Differing, EventRecord, HostRecord

HIDDEN = "(hidden: the task says no_log)"
NO_DIFF = "(the task does not show what differs of this)"
PASSED_OVER = "ok"
LATER = "left for later, and not compared"
_MARKS = ('"changed":true', '"differs"', '"ictops_fingerprint"')
"""One of these stands in every event that says something of drift."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one host.

    :ivar fingerprint: the host's, from before it was compared; None if there is none.
    :ivar passed_over: whether that was all that was looked at.
    """

    checked: Checked
    fingerprint: str | None = None
    passed_over: bool = False


@dataclass(slots=True)
class _Heard:
    """What the events of one host say."""

    at: datetime | None = None
    fingerprint: str | None = None
    passed_over: bool = False
    items: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Lines of a difference by role and the rest of the item."""
    told: set[str] = field(default_factory=set)
    """Roles that said at their beginning what differs."""

    def lines(self, role: str, what: str) -> list[str]:
        return self.items.setdefault((role, what), [])


def results_of(journal: Journal, run_id: str) -> list[Result]:
    """Give what a run of comparisons says of its hosts; those not begun are left out.

    :raises RunError: if there is no such run.
    """
    begun_at = journal.run(run_id).created_at
    heard: dict[str, _Heard] = {}
    for shard in journal.shards(run_id):
        if shard.kind != "work":
            continue
        of_shard: dict[str, _Heard] = {}
        for event in journal.events(run_id, shard=shard.id):
            if event.host:
                _hear(of_shard.setdefault(event.host, _Heard()), event)
        heard |= of_shard  # what an earlier try said is over
    return [
        _result(host, heard.get(host.host, _Heard()), begun_at)
        for host in journal.hosts(run_id)
        if host.outcome is not None and host.outcome not in {"deferred", "skipped"}
    ]


def _hear(heard: _Heard, event: EventRecord) -> None:
    if not any(mark in event.data for mark in _MARKS):
        return
    data = json.loads(event.data)["data"]
    result = data.get("res")
    if not isinstance(result, dict):
        return
    taken = result.get("ictops_fingerprint")
    if isinstance(taken, dict) and isinstance(taken.get("digest"), str):
        heard.fingerprint, heard.at = taken["digest"], event.at
        heard.passed_over = result.get("ictops_outcome") == PASSED_OVER
        return
    if event.kind != "runner_on_ok" or data.get("handler"):
        return  # a handler follows from what is told already
    role = str(data.get("role") or data.get("play") or "")
    said = list(_dicts(result.get("differs")))
    for one in said:
        before, after = one.get("before"), one.get("after")
        heard.lines(role, str(one.get("what"))).extend(_differing(before, after))
    if said and result.get("changed") is not True:
        heard.told.add(role)
    if result.get("changed") is True and not said and role not in heard.told:
        for one in _changed(result):
            what = _what(one)
            item = f"{event.task} : {what}" if what else str(event.task)
            heard.lines(role, item).extend(_shown(one))


def _changed(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give the results of a task that say that something would change, one for each item."""
    if "results" not in result:
        yield result
        return
    items = result["results"]
    for one in items if isinstance(items, list) else []:
        if isinstance(one, dict) and one.get("changed") is True:
            yield one
        elif one == CUT:
            yield {"name": CUT}


def _what(result: Mapping[str, Any]) -> str:
    """Give what of the host a task would have changed; empty if that cannot be told."""
    for key in ("dest", "path", "name", "user", "key"):
        if isinstance(value := result.get(key), str) and value:
            return value
    for diff in _dicts(result.get("diff")):
        for key in ("after_header", "before_header"):
            if isinstance(value := diff.get(key), str) and value.startswith("/"):
                return value.partition(" ")[0]
    label = result.get("_ansible_item_label", result.get("item"))
    if isinstance(label, dict):
        label = label.get("name", label.get("path"))
    return label if isinstance(label, str) else ""


def _shown(result: Mapping[str, Any]) -> list[str]:
    """Give the lines that differ, as far as a task shows them."""
    if "censored" in result:
        return [HIDDEN]
    lines: list[str] = []
    for diff in _dicts(result.get("diff")):
        if isinstance(prepared := diff.get("prepared"), str) and prepared.strip():
            lines += prepared.strip().splitlines()
        if "before" in diff or "after" in diff:
            lines += _differing(diff.get("before"), diff.get("after"))
    return lines or _wanted(result) or [str(result.get("msg") or NO_DIFF)]


def _wanted(result: Mapping[str, Any]) -> list[str]:
    """Give what a task wants of its item, for one that does not show what differs."""
    item = result.get("item")
    if isinstance(item, dict) and item:
        return [NO_DIFF, *(f"+ {line}" for line in _lines(item))]
    return []


def _differing(before: Any, after: Any) -> list[str]:
    """Give the lines that only the host has with a minus, those that it should have with a plus."""
    lines = list(unified_diff(_lines(before), _lines(after), n=0, lineterm=""))[2:]
    return [f"{line[0]} {line[1:]}" for line in lines if not line.startswith("@@")]


def _lines(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if not isinstance(value, str):
        value = yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)
    return str(value).splitlines()


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def _result(host: HostRecord, heard: _Heard, begun_at: datetime) -> Result:
    at = host.ended_at or heard.at or begun_at
    if host.outcome == "unreachable":
        return Result(Checked(host.host, host.site, "unreachable", at, host.reason))
    if host.outcome not in GOOD:
        return Result(Checked(host.host, host.site, "error", at, host.reason))
    differing = tuple(_items(host.host, heard))
    if host.outcome == "changed" and not differing:
        # Never clean for want of words.
        differing = (differing_of(host.host, "unknown", [NO_DIFF]),)
    state = Checked(
        host.host, host.site, "drift" if differing else "clean", at, differing=differing
    )
    return Result(state, heard.fingerprint, heard.passed_over)


def _items(host: str, heard: _Heard) -> Iterator[Differing]:
    for (role, what), lines in heard.items.items():
        item = f"{role} : {what}" if role else what
        yield differing_of(host, without_name(host, item), lines or [NO_DIFF])
