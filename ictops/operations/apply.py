"""Applying a plan: the checks before, and the run's first line in the journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ictops.errors import PlanError, RunError
from ictops.estate.load import Cluster, load_cluster
from ictops.operations.approval import check_approval
from ictops.operations.planning import person
from ictops.operations.steer import let_go_on
from ictops.plans.digests import changed_since
from ictops.plans.file import plan_digest, read_plan
from ictops.plans.model import Plan
from ictops.plans.search import SearchPath
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import RunRecord, Scheduled


def start_run(
    journal: Journal,
    path: Path,
    settings: Settings,
    *,
    now_reason: str | None,
    confirm: Callable[[list[str]], bool],
) -> str:
    """Give the run of a plan: a new one, or the one of this plan that has not ended.

    :param confirm: asked with what changed since the plan was made; False stops.
    :raises PlanError: if the plan cannot be run as it is.
    """
    plan = read_plan(path)
    if plan.cluster != settings.cluster:
        raise PlanError(
            f"the plan is for cluster {plan.cluster}, and this is {settings.cluster}",
            where=str(path),
            do=f"Give '--cluster {plan.cluster}'",
        )
    digest = plan_digest(plan)
    open_run = journal.unfinished_run_of(digest)
    if open_run is not None:
        return _go_on(journal, open_run, now_reason)
    check_approval(journal, plan, path)
    now = datetime.now(UTC)
    cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
    _check_hosts(plan, cluster, path)
    if now_reason is None:
        _check_windows(plan, now, path)
    changes = changed_since(plan, cluster, SearchPath.of(settings))
    if changes and not confirm(changes):
        raise PlanError(
            "the plan no longer describes what would be run: " + "; ".join(changes),
            where=str(path),
            do="Make the plan again, or apply it with --yes",
        )
    return create_run(journal, plan, now, now_reason=now_reason)


def create_run(
    journal: Journal,
    plan: Plan,
    now: datetime,
    *,
    now_reason: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run of a plan down, and give its id; nothing is begun.

    :param scheduled: the claim of a schedule that the run is for, if it is for one.
    :raises RunError: if that claim is no longer held.
    """
    return journal.create_run(
        operation=plan.operation,
        title=plan.title,
        cluster=plan.cluster,
        plan=plan.model_dump_json(),
        plan_digest=plan_digest(plan),
        hosts=[
            (code, host, number)
            for code, site in plan.sites.items()
            for number, wave in enumerate(site.waves)
            for host in wave.hosts
        ],
        by=f"schedule {scheduled.schedule}" if scheduled else person(),
        at=now,
        now_reason=now_reason,
        scheduled=scheduled,
    )


def _go_on(journal: Journal, run: RunRecord, now_reason: str | None) -> str:
    if now_reason is not None and run.now_reason is None:
        raise RunError(
            "the plan was begun inside its windows, which cannot be overridden any more",
            where=run.id,
            do=f"Go on with 'ictops run resume {run.id}', or cancel it first: the plan is then "
            "applied from its beginning",
        )
    if run.state == "paused":
        let_go_on(journal, run.id)
    return run.id


def _check_hosts(plan: Plan, cluster: Cluster, path: Path) -> None:
    """Refuse a plan with hosts, sites or files of sites that the inventory does not have."""
    unknown: list[str] = []
    for code, site in plan.sites.items():
        own = str(cluster.site(code).source.relative_to(cluster.folder))
        if site.inventory != own:
            raise PlanError(
                f"{site.inventory} is not the inventory of site {code}, which is {own}",
                where=str(path),
                do="Make the plan again",
            )
        known = {h.name for h in cluster.hosts(code)}
        unknown += [f"{host} ({code})" for host in site.hosts if host not in known]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""  # noqa: PLR2004
        raise PlanError(
            f"not in the inventory: {', '.join(unknown[:5])}{more}",
            where=str(path),
            do="Make the plan again",
        )
    if not plan.hosts:
        raise PlanError("the plan has no hosts", where=str(path), do="Make the plan again")


def _check_windows(plan: Plan, now: datetime, path: Path) -> None:
    """Refuse a plan whose windows are all over: it must never start late."""
    if plan.ends_at is None or plan.ends_at <= now:
        raise PlanError(
            "every window of the plan is over",
            where=str(path),
            do="Make the plan again for a later time, or override its windows with "
            "--now --reason '…'",
        )
