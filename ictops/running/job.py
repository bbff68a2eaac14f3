"""One shard's job: ``python -m ictops.running.job FOLDER``, its order on standard input.

It runs ansible-runner in its private folder and says what happens, one JSON line a
report, first into the folder's spool and then on standard output: what its reader has
not taken in when it is killed, a later one finds in the spool.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Literal

import yaml

from ictops.errors import IctopsError, TrustError
from ictops.estate.lookups import lookups_in
from ictops.plans.search import SearchPath
from ictops.plans.sources import playbook_path, sources_of
from ictops.running.local import SPOOL
from ictops.running.messages import CUT, Ended, Event, Order, Report
from ictops.running.strategy import strategy_settings
from ictops.running.tally import MARKER_TASK, OUTCOME_KEY, STEERING
from ictops.settings import Settings, load_settings
from ictops.trust.known_hosts import known_hosts_path, write_ssh_clients
from ictops.trust.redact import Redactor
from ictops.trust.vault import vault_password, write_vault_client
from ictops.trust.vaulted import inventory_files, vault_secrets

KEPT = frozenset(
    {
        "runner_on_start",
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_unreachable",
        "runner_on_skipped",
        "runner_retry",
        "runner_item_on_failed",
        "playbook_on_play_start",
        "playbook_on_no_hosts_matched",
        "playbook_on_stats",
        "error",
        "warning",
    }
)
"""The events that are worth a row in the journal; the others repeat these."""

LONGEST = 16_384
"""Characters of any one text of a result that are kept; of a list of lines, all together."""
MOST = 200
"""Items that are kept of any other list of a result."""
AGREED, MOST_AGREED = "ictops_", 5_000
"""Begins the keys under which a module of ours tells what Python reads, such as the snapshots of a
repository; and the items that are kept of a list there."""
LONGEST_REASON = 2_000
"""Characters that are kept of why a shard failed."""
LAST_LINES = 400
"""Lines of Ansible's own output in which an error is looked for that no host had."""


ALIVE_SECONDS, ALIVE_COUNT = 10, 3
"""A host that is silent for so long, so often, has lost its network: ssh would wait for ever."""


class JobBroken(Exception):
    """A report could not be handed on, so the job must end.

    ansible-runner swallows an OSError of an event handler and goes on as if nothing were
    amiss; no other error is swallowed, so every failure becomes this one.
    """


class Reporter:
    """Writes reports down and hands them on, secrets taken out."""

    def __init__(self, order: Order, redactor: Redactor, spool: IO[str], out: IO[str]) -> None:
        self._order = order
        self._redactor = redactor
        self._streams = (spool, out)
        self._counter = 0
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        """What Ansible said last that is of no host; secrets are in it still."""

    def say(self, report: Report) -> None:
        """Hand on one report.

        :raises JobBroken: if it cannot be written down or nobody listens any more.
        """
        if isinstance(report, Ended):
            reason = self._redactor.text(report.reason)[:LONGEST_REASON]
            report = report.model_copy(update={"reason": reason})
        line = report.model_dump_json()
        try:
            for stream in self._streams:
                stream.write(line + "\n")
                stream.flush()
        except OSError as error:
            raise JobBroken(f"a report could not be handed on: {error}") from error

    def on_event(self, raw: Mapping[str, Any]) -> bool:
        """Take one event of ansible-runner; False keeps its own file off the disk."""
        try:
            if not (raw.get("event_data") or {}).get("host"):
                self.lines += str(raw.get("stdout", "")).splitlines()
            event = as_event(raw, self._order, self._counter + 1, self._redactor)
        except Exception as error:
            raise JobBroken(f"an event could not be read: {error!r}") from error
        if event is not None:
            self._counter += 1
            self.say(event)
        return False


def as_event(
    raw: Mapping[str, Any], order: Order, counter: int, redactor: Redactor
) -> Event | None:
    """Give ansible-runner's event as ours, without secrets and bulk; None if it is not kept."""
    kind = str(raw.get("event", ""))
    if kind not in KEPT:
        return None
    about: Mapping[str, Any] = raw.get("event_data") or {}
    data: dict[str, Any] = {}
    if "res" in about:
        data["res"] = _slim(about["res"], redactor)
    for key in ("ignore_errors", "duration", "play", "role", "failures", "ok", "dark"):
        if about.get(key):
            data[key] = _slim(about[key], redactor, 1)
    if "/handlers/" in str(about.get("task_path", "")):
        data["handler"] = True
    if kind in {"error", "warning"}:
        data["text"] = _slim(str(raw.get("stdout", "")), redactor)
    if kind == "runner_on_failed" and data.get("res", {}).get(OUTCOME_KEY) == "ok":
        kind = "runner_on_ok"  # as it is meant: only a failure keeps a host out of later plays
    task = about.get("task")
    created = datetime.fromisoformat(raw["created"]) if raw.get("created") else datetime.now(UTC)
    return Event(
        shard=order.shard,
        fence=order.fence,
        counter=counter,
        at=created if created.tzinfo else created.replace(tzinfo=UTC),
        kind=kind,
        host=about.get("host"),
        task=task if task in {None, MARKER_TASK} else _slim(str(task), redactor),
        data=data,
    )


def _slim(value: Any, redactor: Redactor, depth: int = 0, *, agreed: bool = False) -> Any:
    """Take secrets out, leave out what Ansible repeats (facts, arguments), cut the very long."""
    if isinstance(value, str):
        text = redactor.text(value, LONGEST) + (CUT if len(value) > LONGEST else "")
        # A host may say anything: what is no UTF-8, or a NUL, no journal takes.
        return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, Mapping):
        dropped = {"invocation", "ansible_facts"} if depth == 0 else set()
        return {
            _slim(str(key), redactor): _slim(
                inner, redactor, depth + 1,
                agreed=agreed or (depth == 0 and str(key).startswith(AGREED)),
            )
            for key, inner in value.items()
            if key not in dropped
        }  # fmt: skip
    if isinstance(value, list | tuple):
        kept = MOST_AGREED if agreed else _as_long_as_a_text(value)
        told = [_slim(item, redactor, depth + 1, agreed=agreed) for item in value[:kept]]
        return told + [CUT] * (kept < len(value))
    return redactor.scalar(value)


def _as_long_as_a_text(value: Sequence[Any]) -> int:
    """Give how many items of a list are kept."""
    if not all(isinstance(item, str) for item in value):
        return MOST
    sizes = accumulate(len(item) for item in value)
    return sum(size <= LONGEST for size in sizes) or 1


def wrapper(playbook: Path) -> list[dict[str, Any]]:
    """Give the playbook that runs ``playbook`` as it is and then marks who got through."""
    marker = {"name": MARKER_TASK, "ansible.builtin.debug": {"msg": "done"}}
    return [
        {"ansible.builtin.import_playbook": str(playbook)},
        {
            "name": "ictops marks the hosts that got through",
            "hosts": "all",
            "gather_facts": False,
            "become": False,
            "tasks": [marker],
        },
    ]


def about(order: Order) -> dict[str, str]:
    """Give what a playbook may know of the run that it is part of."""
    told = {"ictops_run": order.run}
    if order.ends_at is not None:
        told["ictops_ends_at"] = order.ends_at.isoformat()
    return told


def environment(order: Order, search: SearchPath, playbook: Path, folder: Path) -> dict[str, str]:
    """Give what ansible-playbook's environment needs, beside what is there already."""
    sockets = folder / "cp"
    sockets.mkdir(mode=0o700)
    # Ansible looks beside the playbook that it is started with, which is our wrapper.
    collections = (playbook.parent / "collections", *search.collections)
    env = {
        "ANSIBLE_ROLES_PATH": ":".join(map(str, search.roles)),
        "ANSIBLE_COLLECTIONS_PATH": ":".join(map(str, collections)),
        "ANSIBLE_HOST_KEY_CHECKING": "true",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_SSH_EXTRA_ARGS": (
            f"-o ServerAliveInterval={ALIVE_SECONDS} -o ServerAliveCountMax={ALIVE_COUNT}"
        ),
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_FORKS": str(min(order.forks, len(order.hosts))),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        # Ansible would write into these in clear what is taken out of the journal: its own
        # log here, and each module's arguments in the log of the host.
        "ANSIBLE_LOG_PATH": os.devnull,
        "ANSIBLE_NO_TARGET_SYSLOG": "true",
    }
    if search.config is not None:
        env["ANSIBLE_CONFIG"] = str(search.config)
    return env


def run_order(order: Order, folder: Path, settings: Settings, out: IO[str]) -> None:
    """Run a shard to its end and report it.

    :raises IctopsError: if it cannot begin.
    """
    search = SearchPath.of(settings)
    source = settings.cluster_dir / order.inventory
    playbook = playbook_path(order.playbook, search.content)
    for found in lookups_in(source):
        raise TrustError(str(found), where=f"{source}:{found.line}")
    password = vault_password(settings)
    used = sources_of([playbook], search, order.extra_vars)
    secrets = vault_secrets([*inventory_files(source), *used.every_file()], password)
    with (folder / SPOOL).open("w", encoding="utf-8") as spool:
        reporter = Reporter(order, Redactor(secrets, spared=STEERING), spool, out)
        env = environment(order, search, playbook, folder)
        env |= strategy_settings(order.strategy).env
        if password is not None:
            env["ANSIBLE_VAULT_PASSWORD_FILE"] = str(write_vault_client(folder, settings))
        ssh = write_ssh_clients(folder, known_hosts_path(settings.cluster_dir, order.site))
        shard, limit = folder / "shard.yml", folder / "hosts"
        shard.write_text(yaml.safe_dump(wrapper(playbook), sort_keys=False))
        limit.write_text("".join(f"{host}\n" for host in order.hosts))
        arguments = {
            "private_data_dir": str(folder),
            "playbook": str(shard),
            "inventory": str(source),
            "limit": f"@{limit}",
            "extravars": order.extra_vars | about(order) | ssh,
            "envvars": env,
            **({"cmdline": "--check --diff"} if order.check else {}),
        }
        try:
            ended = _run_ansible(order, arguments, reporter)
        except Exception as error:  # noqa: BLE001 - whatever it is may hold a secret
            ended = _ended(order, "error", reason=f"{type(error).__name__}: {error}")
        reporter.say(ended)


def _run_ansible(order: Order, arguments: Mapping[str, Any], reporter: Reporter) -> Ended:
    import ansible_runner  # noqa: PLC0415 - slow to import, and only a job needs it

    status: Literal["successful", "failed", "canceled", "timeout", "error"]
    try:
        result = ansible_runner.interface.run(
            **arguments,
            event_handler=reporter.on_event,
            quiet=True,
            ident="job",
            settings={"suppress_output_file": True},  # it would hold what is taken out here
        )
    except JobBroken as error:
        return _ended(order, "error", reason=str(error))
    status = result.status if result.status in {"successful", "failed"} else "error"
    reason = "" if status == "successful" else _own_errors(reporter.lines)
    return _ended(order, status, rc=result.rc, reason=reason)


def _ended(order: Order, status: Any, rc: int | None = None, reason: str = "") -> Ended:
    return Ended(shard=order.shard, fence=order.fence, status=status, rc=rc, reason=reason)


def _own_errors(lines: Iterable[str]) -> str:
    """Give Ansible's own error lines, for a job that failed before any host did."""
    said = list(lines)
    errors = [n for n, line in enumerate(said) if "ERROR" in line]
    return "\n".join(said[errors[0] : errors[0] + 8]) if errors else ""


def main() -> None:
    """Run the order on standard input in the folder that is named."""
    folder = Path(sys.argv[1])
    os.umask(0o077)
    # ansible-playbook stands beside our own Python, also where no one activated it.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    order = Order.model_validate(json.load(sys.stdin))
    try:
        run_order(order, folder, load_settings(), sys.stdout)
    except IctopsError as error:
        sys.stdout.write(_ended(order, "error", reason=str(error)).model_dump_json() + "\n")
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
