"""One shard's job: ``python -m ictops.running.job FOLDER``, its order on standard input.

It runs ansible-runner in its private folder and says what happens, one JSON line a
report, first into the folder's spool and then on standard output: what its reader has
not taken in when it is killed, a later one finds in the spool.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

import yaml

from ictops.errors import IctopsError
from ictops.plans.digests import playbook_path
from ictops.running.local import SPOOL
from ictops.running.messages import Ended, Event, Order, Report
from ictops.running.strategy import strategy_settings
from ictops.running.tally import MARKER_TASK
from ictops.settings import Settings, content_dir, load_settings
from ictops.trust.known_hosts import ssh_arguments
from ictops.trust.redact import Redactor
from ictops.trust.vault import vault_password, vault_secrets, write_vault_client

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
"""Characters of any one text of a result that are kept."""


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

    def say(self, report: Report) -> None:
        """Hand on one report.

        :raises JobBroken: if it cannot be written down or nobody listens any more.
        """
        line = self._redactor.line(report.model_dump_json())
        try:
            for stream in self._streams:
                stream.write(line + "\n")
                stream.flush()
        except OSError as error:
            raise JobBroken(f"a report could not be handed on: {error}") from error

    def on_event(self, raw: Mapping[str, Any]) -> bool:
        """Take one event of ansible-runner; False keeps its own file off the disk."""
        try:
            event = as_event(raw, self._order, self._counter + 1)
        except Exception as error:
            raise JobBroken(f"an event could not be read: {error!r}") from error
        if event is not None:
            self._counter += 1
            self.say(event)
        return False


def as_event(raw: Mapping[str, Any], order: Order, counter: int) -> Event | None:
    """Give ansible-runner's event as ours, without bulk; None if it is not worth keeping."""
    kind = str(raw.get("event", ""))
    if kind not in KEPT:
        return None
    about: Mapping[str, Any] = raw.get("event_data") or {}
    data: dict[str, Any] = {}
    if "res" in about:
        data["res"] = _slim(about["res"])
    for key in ("ignore_errors", "duration", "play", "failures", "ok", "dark"):
        if about.get(key):
            data[key] = about[key]
    if kind in {"error", "warning"}:
        data["text"] = str(raw.get("stdout", ""))[:LONGEST]
    created = datetime.fromisoformat(raw["created"]) if raw.get("created") else datetime.now(UTC)
    return Event(
        shard=order.shard,
        fence=order.fence,
        counter=counter,
        at=created if created.tzinfo else created.replace(tzinfo=UTC),
        kind=kind,
        host=about.get("host"),
        task=about.get("task"),
        data=data,
    )


def _slim(value: Any, depth: int = 0) -> Any:
    """Leave out what Ansible repeats (facts, arguments) and cut what is very long."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[:LONGEST] + "… (cut)"
    if isinstance(value, Mapping):
        dropped = {"invocation", "ansible_facts"} if depth == 0 else set()
        return {k: _slim(v, depth + 1) for k, v in value.items() if k not in dropped}
    if isinstance(value, list):
        return [_slim(item, depth + 1) for item in value[:200]]
    return value


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


def environment(order: Order, settings: Settings, folder: Path) -> dict[str, str]:
    """Give what ansible-playbook's environment needs, beside what is there already."""
    workspace, content = settings.workspace.resolve(), content_dir()
    config = next(
        (p for p in (workspace / "ansible.cfg", content / "ansible.cfg") if p.is_file()), None
    )
    sockets = folder / "cp"
    sockets.mkdir(mode=0o700)
    env = {
        "ANSIBLE_ROLES_PATH": f"{workspace / 'roles'}:{content / 'roles'}",
        "ANSIBLE_COLLECTIONS_PATH": f"{workspace / 'collections'}:{content / 'collections'}",
        "ANSIBLE_HOST_KEY_CHECKING": "true",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_SSH_COMMON_ARGS": " ".join(ssh_arguments(settings.cluster_dir, order.site)),
        "ANSIBLE_SSH_EXTRA_ARGS": (
            f"-o ServerAliveInterval={ALIVE_SECONDS} -o ServerAliveCountMax={ALIVE_COUNT}"
        ),
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_FORKS": str(min(order.forks, len(order.hosts))),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
    if config is not None:
        env["ANSIBLE_CONFIG"] = str(config)
    return env


def run_order(order: Order, folder: Path, settings: Settings, out: IO[str]) -> None:
    """Run a shard to its end and report it."""
    password = vault_password(settings)
    source = settings.cluster_dir / order.inventory
    secrets = vault_secrets(source, password) if password is not None else set()
    with (folder / SPOOL).open("w", encoding="utf-8") as spool:
        reporter = Reporter(order, Redactor(secrets), spool, out)
        env = environment(order, settings, folder)
        strategy = strategy_settings(order.strategy)
        env |= strategy.env
        if password is not None:
            env["ANSIBLE_VAULT_PASSWORD_FILE"] = str(write_vault_client(folder))
        reporter.say(_run_ansible(order, folder, source, env, reporter.on_event))


def _run_ansible(
    order: Order,
    folder: Path,
    source: Path,
    env: dict[str, str],
    on_event: Callable[[Mapping[str, Any]], bool],
) -> Ended:
    import ansible_runner  # noqa: PLC0415 - slow to import, and only a job needs it

    playbook = folder / "shard.yml"
    own = playbook_path(order.playbook, content_dir())
    playbook.write_text(yaml.safe_dump(wrapper(own), sort_keys=False))
    limit = folder / "hosts"
    limit.write_text("".join(f"{host}\n" for host in order.hosts))
    status: Literal["successful", "failed", "canceled", "timeout", "error"]
    try:
        result = ansible_runner.interface.run(
            private_data_dir=str(folder),
            playbook=str(playbook),
            inventory=str(source),
            limit=f"@{limit}",
            extravars=order.extra_vars,
            envvars=env,
            event_handler=on_event,
            quiet=True,
            ident="job",
            settings={"suppress_env_files": True},
        )
    except JobBroken as error:
        return _ended(order, "error", reason=str(error))
    status = result.status if result.status in {"successful", "failed"} else "error"
    reason = "" if status == "successful" else _last_output(folder)
    return _ended(order, status, rc=result.rc, reason=reason)


def _ended(order: Order, status: Any, rc: int | None = None, reason: str = "") -> Ended:
    return Ended(shard=order.shard, fence=order.fence, status=status, rc=rc, reason=reason)


def _last_output(folder: Path) -> str:
    """Give Ansible's own error lines, for a job that failed before any host did."""
    output = folder / "artifacts" / "job" / "stdout"
    if not output.is_file():
        return ""
    lines = output.read_text(errors="replace").splitlines()
    errors = [n for n, line in enumerate(lines) if "ERROR" in line]
    return "\n".join(lines[errors[0] : errors[0] + 8])[:2000] if errors else ""


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
        sys.stderr.write(f"{error}\n")
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
