"""What Prometheus may know of a cluster: numbers only, no name of a host or a person."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ictops.errors import IctopsError
from ictops.operations.backup_status import status
from ictops.settings import Settings, make_private
from ictops.store.counts import Count, Counts
from ictops.store.journal import Journal


class JournalCollector(Collector):
    """Reads the journal anew whenever it is asked; ``ictops_up`` is 0 where that fails."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal = journal
        self._counts = Counts(journal, settings.cluster)
        self._settings = settings

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()  # or the registry would read the journal once to know the names

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = list(self._found())
        except IctopsError:
            found = []
        yield _gauge("up", "Whether the journal could be read", (), [((), int(bool(found)))])
        yield from found

    def _found(self) -> Iterator[GaugeMetricFamily]:
        counts = self._counts
        yield _gauge("runs", "Runs by state", ("state",), counts.runs())
        slots = counts.slots()
        yield _gauge("slots", "Times of schedules by what became of them", ("state",), slots)
        of_run = ("operation", "site", "outcome")
        yield _gauge(
            "run_hosts", "Hosts of the newest run of each operation", of_run, self._outcomes()
        )
        of_drift = ("kind", "site", "state")
        yield _gauge("drift_hosts", "Hosts by their newest drift check", of_drift, counts.drift())
        of_alarm = ("severity", "site")
        yield _gauge("alarms", "Alarms that stand", of_alarm, counts.alarms())
        yield from self._backups()
        waiting = counts.deliveries()
        yield _gauge("messages_waiting", "Messages still to be sent", ("route",), waiting)
        size = [((), counts.journal_bytes())]
        yield _gauge("journal_bytes", "What the journal takes on its disk", (), size)
        ticked = [((), one.timestamp()) for one in [last_tick(self._settings)] if one is not None]
        about = "When a tick last looked around on this machine"
        yield _gauge("last_tick_timestamp_seconds", about, (), ticked)

    def _backups(self) -> Iterator[GaugeMetricFamily]:
        """Tell how backups are, a site each: its oldest one says how bad it is."""
        if not self._settings.cluster_dir.is_dir():
            return
        hosts = status(self._journal, self._settings).hosts
        kept = Counter((one.site, one.state) for one in hosts)
        of_kept, of_drill = ("site", "state"), ("site", "drill")
        yield _gauge(
            "backup_hosts", "Hosts by whether their backup is as promised", of_kept, kept.items()
        )
        drills = Counter((one.site, one.drill) for one in hosts)
        yield _gauge(
            "backup_drill_hosts",
            "Hosts by what drills say of their backup",
            of_drill,
            drills.items(),
        )
        oldest: dict[tuple[str, ...], float] = {}
        for one in hosts:
            if one.good_at is not None:
                age = one.good_at.timestamp()
                oldest[one.site,] = min(oldest.get((one.site,), age), age)
        about = "Of the hosts' last good backups the oldest"
        yield _gauge("backup_oldest_timestamp_seconds", about, ("site",), oldest.items())
        failing = Counter((one.site,) for one in hosts if one.failures)
        yield _gauge(
            "backup_failing_hosts", "Hosts whose last backup failed", ("site",), failing.items()
        )

    def _outcomes(self) -> Iterator[Count]:
        newest = self._counts.newest_runs()
        outcomes = self._counts.outcomes(newest.values())
        for operation, run in newest.items():
            for (of, site), found in outcomes.items():
                if of == run:
                    yield from (((operation, site, name), n) for name, n in found.items())


def registry_of(journal: Journal, settings: Settings) -> CollectorRegistry:
    """Give what the exposition formats of Prometheus are made from."""
    registry = CollectorRegistry()
    registry.register(JournalCollector(journal, settings))
    return registry


def metrics_text(journal: Journal, settings: Settings) -> str:
    """Give all metrics in Prometheus' text format."""
    return generate_latest(registry_of(journal, settings)).decode()


def write_metrics(journal: Journal, settings: Settings, file: Path) -> None:
    """Write all metrics to a file for node_exporter's textfile collector, whole or not at all.

    Everybody may read it: the exporter is another user.

    :raises IctopsError: if it cannot be written.
    """
    text = metrics_text(journal, settings)
    # node_exporter reads what ends in .prom, so this is not seen half written.
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        try:
            fresh.write_text(text)
            fresh.chmod(0o644)
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise IctopsError(
            f"the metrics cannot be written: {error.strerror}",
            where=str(file),
            do="metrics_file in ictops.toml names it",
        ) from error


def mark_tick(settings: Settings, now: datetime) -> None:
    """Write down that a tick looked around."""
    with suppress(OSError):  # what then is too old says so by itself
        stamp = _stamp(settings)
        make_private(stamp.parent)
        stamp.write_text(now.astimezone(UTC).isoformat())


def last_tick(settings: Settings) -> datetime | None:
    """Give when a tick last looked around on this machine; None: never."""
    try:
        return datetime.fromisoformat(_stamp(settings).read_text())
    except (OSError, ValueError):
        return None


def _stamp(settings: Settings) -> Path:
    return settings.resolve(settings.state_dir) / "ticked"


def _gauge(
    name: str, about: str, labels: Sequence[str], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"ictops_{name}", about, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family
