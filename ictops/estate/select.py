"""Choosing hosts by site and by a limit as Ansible writes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from ictops.errors import NoHosts
from ictops.estate.load import Cluster
from ictops.estate.models import Host


def select(
    cluster: Cluster, sites: Sequence[str] | None = None, limit: str | None = None
) -> dict[str, list[Host]]:
    """Give the chosen hosts of each site that has any.

    :param sites: codes of sites; None for all.
    :param limit: names, globs and groups joined by ``,`` or ``:``; ``!`` takes away and
        ``&`` keeps only what is also in, as in ``ansible-playbook --limit``.
    :raises InventoryError: if a site is unknown.
    :raises NoHosts: if no host is left.
    """
    codes = list(sites) if sites is not None else list(cluster.sites)
    terms = _terms(limit or "all")
    chosen: dict[str, list[Host]] = {}
    for code in codes:
        hosts = cluster.hosts(cluster.site(code).code)
        kept = [host for host in hosts if _in((host.name, *host.groups), terms)]
        if kept:
            chosen[code] = kept
    if not chosen:
        where = ", ".join(codes[:5]) + ("…" if len(codes) > 5 else "")  # noqa: PLR2004
        raise NoHosts(
            f"the limit {limit!r} matches no host" if limit else "there are no hosts",
            where=where or str(cluster.folder),
            do="'ictops site show SITE' lists hosts and groups",
        )
    return chosen


def matches(names: Collection[str], pattern: str) -> bool:
    """Tell whether a host of these names (its own and its groups') is in a pattern."""
    return _in(names, _terms(pattern))


def names_in(pattern: str) -> set[str]:
    """Give the names that a pattern asks for as they are: no globs, nothing taken away."""
    return {term for term in _terms(pattern) if not re.search(r"[!&*?\[]", term)}


def _terms(pattern: str) -> list[str]:
    return [term for term in re.split(r"[,:]", pattern) if term]


def _in(names: Collection[str], terms: Sequence[str]) -> bool:
    wanted = [t for t in terms if t[0] not in "!&"]
    if wanted and not any(_is(names, term) for term in wanted):
        return False
    return all(_is(names, t[1:]) for t in terms if t[0] == "&") and not any(
        _is(names, t[1:]) for t in terms if t[0] == "!"
    )


def _is(names: Collection[str], term: str) -> bool:
    if term in {"all", "*"}:
        return True
    return any(fnmatchcase(name, term) for name in names)
