"""What the process that holds a run writes into the journal, and nobody else can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ictops.errors import LeaseLost
from ictops.store import tables as t
from ictops.store.database import moment
from ictops.store.records import Ending, Settled, ShardRecord, SiteState, Wish

if TYPE_CHECKING:
    from ictops.store.journal import Journal


class Lease:
    """One process's hold of one run; every write checks that it still has it."""

    def __init__(self, journal: Journal, run_id: str, fence: int) -> None:
        self.journal = journal
        self.run_id = run_id
        self.fence = fence

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.journal.writing() as connection:
            # The lock keeps it held until this is committed; SQLite has one writer anyway.
            held = connection.execute(
                sa.select(t.run.c.fence)
                .where(t.run.c.id == self.run_id, t.run.c.fence == self.fence)
                .with_for_update(key_share=True)
            )
            if held.first() is None:
                raise LeaseLost("another ictops process has taken this run over", where=self.run_id)
            yield connection

    def beat(self) -> None:
        """Say that this process lives."""
        with self._writing() as connection:
            connection.execute(self._this_run().values(holder_seen_at=moment(connection)))

    def wish(self) -> Wish | None:
        """Give what a person asks of this run."""
        with self.journal.reading() as connection:
            return self._wish(connection)

    def decide(self, what: str, detail: str, *, at: datetime, site: str | None = None) -> None:
        """Write down a decision that changes no state."""
        with self._writing() as connection:
            self._say(connection, site, at, what, detail)

    def start_shard(
        self,
        *,
        site: str,
        wave: int,
        kind: Literal["work", "health"],
        token: str,
        hosts: Sequence[str],
        cluster: str,
        at: datetime,
        alone: bool = True,
    ) -> ShardRecord | None:
        """Write a shard down before it starts, and give it.

        Hosts that another run works on are left out; if all are, nothing is written.

        :param alone: whether that is so; else it works beside others, and keeps none away.
        """
        with self._writing() as connection:
            s = t.shard.c
            before = connection.execute(
                sa.select(sa.func.count()).where(
                    s.run_id == self.run_id, s.site == site, s.wave == wave
                )
            ).scalar_one()
            row: dict[str, Any] = {
                "run_id": self.run_id,
                "site": site,
                "wave": wave,
                "attempt": before + 1,
                "kind": kind,
                "fence": self.fence,
                "token": token,
                "hosts": list(hosts),
                "state": "running",
                "started_at": at,
            }
            shard_id: int = connection.execute(
                t.shard.insert().values(row).returning(s.id)
            ).scalar_one()
            claimed = set(hosts)
            if alone:
                claimed = self._claim(connection, cluster, hosts, shard_id)
            this_shard = s.id == shard_id
            if not claimed:
                connection.execute(t.shard.delete().where(this_shard))
                return None
            free = [host for host in hosts if host in claimed]
            if len(free) < len(hosts):
                row["hosts"] = free
                connection.execute(t.shard.update().where(this_shard).values(hosts=free))
            if kind == "work":
                connection.execute(
                    self._hosts(free).values(
                        state="running",
                        tries=t.run_host.c.tries + 1,
                        started_at=at,
                        next_try_at=None,
                    )
                )
            return ShardRecord(**row, id=shard_id, ended_at=None, status=None, reason="")

    def record(
        self,
        events: Sequence[Mapping[str, Any]],
        settled: Iterable[Settled] = (),
        *,
        at: datetime,
    ) -> None:
        """Write down events, and what became of hosts by them, in one commit.

        An event that is there already (same shard and counter) is left as it is.
        """
        with self._writing() as connection:
            if events:
                connection.execute(_insert_new(connection, t.event), list(events))
            self._settle(connection, settled, at)

    def end_shard(
        self,
        shard_id: int,
        *,
        status: str,
        reason: str,
        settled: Iterable[Settled],
        at: datetime,
        lost: bool = False,
    ) -> None:
        """Write down that a shard is over, and what became of its last hosts."""
        with self._writing() as connection:
            self._settle(connection, settled, at)
            connection.execute(
                t.shard.update()
                .where(t.shard.c.id == shard_id)
                .values(
                    state="lost" if lost else "ended", ended_at=at, status=status, reason=reason
                )
            )
            connection.execute(t.claim.delete().where(t.claim.c.shard_id == shard_id))

    def update_site(self, site: str, what: str, detail: str, *, at: datetime, **to: Any) -> None:
        """Change how far a site is (``passed``, ``checked``, ``settled_at``), and say why."""
        with self._writing() as connection:
            connection.execute(self._site(site).values(**to))
            self._say(connection, site, at, what, detail)

    def end_site(
        self, site: str, state: SiteState, reason: str, settled: Iterable[Settled], *, at: datetime
    ) -> None:
        """Close a site: ``done``, or ``stopped`` by a gate."""
        with self._writing() as connection:
            self._settle(connection, settled, at)
            connection.execute(self._site(site).values(state=state, reason=reason))
            self._say(connection, site, at, f"site {state}", reason)

    def let_go(self, ending: Ending, detail: str, *, at: datetime) -> Ending:
        """Give the run up and give the state that it then is in.

        What a person asked for in the last moment is heeded here, or it would be lost.
        """
        with self._writing() as connection:
            wish = self._wish(connection)
            if wish is not None and ending in {"waiting", "paused"}:
                ending = "cancelled" if wish == "cancel" else "paused"
            ended = ending in {"cancelled", "finished"}
            connection.execute(
                self._this_run().values(
                    state=ending,
                    holder=None,
                    holder_seen_at=None,
                    wish=None,
                    ended_at=at if ended else None,
                )
            )
            self._say(connection, None, at, ending, detail)
        return ending

    def release(self) -> None:
        """Stop carrying the run without an end: whoever takes it over looks what was left."""
        with self._writing() as connection:
            connection.execute(self._this_run().values(holder=None, holder_seen_at=None))

    def _claim(
        self, connection: sa.Connection, cluster: str, hosts: Sequence[str], shard_id: int
    ) -> set[str]:
        """Claim these hosts, and give those that no other shard has."""
        rows = [
            {"cluster": cluster, "host": host, "run_id": self.run_id, "shard_id": shard_id}
            for host in sorted(hosts)  # in one order, so that no two runs wait for each other
        ]
        claim = _insert_new(connection, t.claim).returning(t.claim.c.host)
        return set(connection.execute(claim, rows).scalars())

    def _settle(self, connection: sa.Connection, settled: Iterable[Settled], at: datetime) -> None:
        for host in settled:
            connection.execute(
                self._hosts([host.host]).values(
                    state=host.state,
                    outcome=host.outcome,
                    reason=host.reason,
                    next_try_at=host.next_try_at,
                    ended_at=None if host.state == "running" else at,
                )
            )

    def _this_run(self) -> sa.Update:
        return t.run.update().where(t.run.c.id == self.run_id)

    def _site(self, site: str) -> sa.Update:
        s = t.run_site.c
        return t.run_site.update().where(s.run_id == self.run_id, s.site == site)

    def _hosts(self, hosts: Sequence[str]) -> sa.Update:
        h = t.run_host.c
        return t.run_host.update().where(h.run_id == self.run_id, h.host.in_(hosts))

    def _wish(self, connection: sa.Connection) -> Wish | None:
        wish: Wish | None = connection.execute(
            sa.select(t.run.c.wish).where(t.run.c.id == self.run_id)
        ).scalar_one()
        return wish

    def _say(
        self, connection: sa.Connection, site: str | None, at: datetime, what: str, detail: str
    ) -> None:
        connection.execute(
            t.decision.insert().values(
                run_id=self.run_id, site=site, at=at, by="ictops", what=what, detail=detail
            )
        )


def _insert_new(connection: sa.Connection, table: sa.Table) -> Any:
    """Give an insert that leaves rows alone that are there already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()
