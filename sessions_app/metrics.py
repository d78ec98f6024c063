"""The metrics of all sessions of the database: the live ones, and the lag of the sweep."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kynaplatform import clock
from sessions_app.models import LIVE_STATUSES, DetectionSession
from sessions_app.unreadable_states import is_left


def live_counts() -> dict[str, int]:
    """Live status → how many sessions have it."""
    # Live sessions alone have a deadline, and an index of its own; a list of statuses has none.
    live = DetectionSession.objects.live().order_by()
    counted = dict(live.values_list("status").annotate(count=Count("id")))
    return {str(status): counted.get(status, 0) for status in LIVE_STATUSES}


def sweep_lag(now: datetime) -> timedelta:
    """The time since the earliest deadline passed that no sweep has written."""
    earliest = DetectionSession.objects.aggregate(earliest=Min("deadline_at"))["earliest"]
    return max(timedelta(0), now - earliest) if earliest else timedelta(0)


class SessionCollector(Collector):
    """A collector that reads only the partial index of live sessions."""

    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        now = clock.now()
        sessions = GaugeMetricFamily(
            "kyna_sessions_live", "Sessions that have not ended.", labels=["status"]
        )
        for status, count in live_counts().items():
            sessions.add_metric([status], count)
        lag = GaugeMetricFamily(
            "kyna_sweep_lag_seconds",
            "How long ago the earliest deadline passed that no sweep has written.",
            value=sweep_lag(now).total_seconds(),
        )
        unreadable = GaugeMetricFamily(
            "kyna_sessions_unreadable",
            "Live sessions that no process yet could go on with: it can't read their state.",
            value=DetectionSession.objects.live().filter(is_left()).count(),
        )
        return [sessions, lag, unreadable]
