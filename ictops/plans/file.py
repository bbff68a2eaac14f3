"""A plan as a file that a person can read, change, approve and keep.

YAML, written whole and put in place by a rename, so that no reader ever sees half a plan.
Times stand in each site's own zone with their offset, lengths of time as ``15m``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from ictops.calendars.window import Window
from ictops.errors import PlanError
from ictops.estate.reading import load, read_text
from ictops.plans.durations import format_duration
from ictops.plans.faults import StrictLoader, plan_fault
from ictops.plans.model import FORMAT, Plan, SitePlan, WindowSpan
from ictops.plans.templates import refuse_templates

_PLAIN = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null|nan|inf)\Z)"
    r"(?:[A-Za-z]+[0-9]*|[A-Za-z][A-Za-z0-9]*(?:[._/-][A-Za-z0-9]+)+|share [0-9]+%)",
    re.IGNORECASE,
)
"""Words that no YAML reader takes for anything but text; others are quoted."""
_WIDTH = 96


def plan_digest(plan: Plan) -> str:
    """Give the SHA-256 (hex) of what the plan says, however it is written down."""

    def plain(value: object) -> object:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        raise TypeError(f"a plan cannot hold a {type(value).__name__}")

    told = plan.model_dump(mode="python")
    if not plan.beside:  # or plans that were approved before there was this would be no longer
        del told["beside"]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def write_plan(plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path``, readable by its owner only (extra vars may be delicate).

    :raises PlanError: where the file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            try:
                file.writelines(plan_text(plan))
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise PlanError(
            f"the plan cannot be written: {error.strerror or error}",
            where=str(path),
            do="Choose another place with -o",
        ) from error


def read_plan(path: Path) -> Plan:
    """Read a plan that may have been edited by hand.

    :raises PlanError: naming the file and line of what is wrong in it.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise PlanError(
            f"the plan cannot be read: {error.strerror or error}",
            where=str(path),
            do="Make one with 'ictops plan rollout' or 'ictops plan playbook'",
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError("the plan is not UTF-8 text", where=str(path)) from error
    try:
        data = load(text, StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise PlanError(
            f"not valid YAML: {problem}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            do="Put it right, or make the plan anew",
        ) from error
    if not isinstance(data, dict):
        raise PlanError("this is no plan: it has no keys", where=f"{path}:1")
    try:
        json.dumps(
            data, allow_nan=False
        )  # extra vars may hold anything that YAML can say; a plan may not
    except (TypeError, ValueError, RecursionError) as error:
        raise PlanError(f"a plan holds plain data only: {error}", where=str(path)) from error
    written = data.get("ictops_plan")
    if isinstance(written, int) and written > FORMAT:
        raise PlanError(
            f"the plan was written by a newer ictops (format {written}, ours is {FORMAT})",
            where=str(path),
            do="Upgrade ictops on this machine",
        )
    refuse_templates(data.get("extra_vars"), f"{path}: extra_vars")
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        raise plan_fault(error, text, path) from error


def plan_text(plan: Plan) -> Iterator[str]:
    """Give the plan's file, piece by piece."""
    made = plan.made_at.strftime("%d %B %Y %H:%M %Z")
    yield "# A plan of ictops: which hosts are changed, with what, in which waves and windows.\n"
    yield f"# Made by {plan.made_by} on {made}.\n"
    yield "# Look at it with 'ictops plan show FILE', run it with 'ictops apply FILE'.\n"
    yield "# Times are local to each site, with their offset from UTC.\n"
    head = plan.model_dump(mode="python", exclude={"sites"})
    head["retry_every"] = format_duration(plan.retry_every)
    head["gate"]["soak"] = format_duration(plan.gate.soak)
    yield _block(head)
    yield "sites:\n"
    for code, site in plan.sites.items():
        yield f"  {_scalar(code)}:\n"
        yield from _site_text(site)


def _site_text(site: SitePlan) -> Iterator[str]:
    yield f"    inventory: {_scalar(site.inventory)}\n"
    yield f"    inventory_digest: {_scalar(site.inventory_digest)}\n"
    yield f"    timezone: {_scalar(site.timezone)}\n"
    yield from _list_head("windows", site.windows)
    zone = ZoneInfo(site.timezone)
    for span in site.windows:
        yield f"      - {{start: {_local(span.start, zone)}, end: {_local(span.end, zone)}}}\n"
    yield from _list_head("waves", site.waves)
    for wave in site.waves:
        yield f"      - name: {_scalar(wave.name)}\n"
        yield from _hosts_text(wave.hosts)


def _list_head(key: str, items: Sequence[object]) -> Iterator[str]:
    yield f"    {key}:\n" if items else f"    {key}: []\n"


def _hosts_text(hosts: Sequence[str]) -> Iterator[str]:
    line = "        hosts: ["
    for number, host in enumerate(hosts, 1):
        piece = _scalar(host) + (", " if number < len(hosts) else "]\n")
        if len(line) + len(piece) > _WIDTH:
            yield line.rstrip() + "\n"
            line = "          "
        line += piece
    yield line


def _local(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    exact = bool(local.second or local.microsecond)
    return local.isoformat(sep=" ", timespec="auto" if exact else "minutes")


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    if text.isascii():
        return json.dumps(text)  # much quicker than YAML's own, and the same
    quoted: str = yaml.dump(text, Dumper=yaml.CSafeDumper, default_style='"', width=1 << 30)
    return quoted.rstrip("\n")


def _block(data: dict[str, Any]) -> str:
    text: str = yaml.dump(
        data, Dumper=yaml.CSafeDumper, sort_keys=False, default_flow_style=False,
        allow_unicode=True, width=_WIDTH,
    )  # fmt: skip
    return text


def window_spans(windows: Iterable[Window], timezone: str) -> list[WindowSpan]:
    """Give windows as they stand in a plan: in the zone of the site."""
    zone = ZoneInfo(timezone)
    return [
        WindowSpan(start=one.start.astimezone(zone), end=one.end.astimezone(zone))
        for one in windows
    ]
