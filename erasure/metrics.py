"""The metrics of erasures: since when one goes on, and whether the ledger is in its file."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final

from django.db import DatabaseError, InterfaceError
from django.db.models import Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from erasure.models import ErasedSession, Erasure
from kynaplatform import clock
from kynaplatform.api.chunks import CHUNK
from sessions_app.models import LastRun

# The name of its last run.
EXPORT: Final = "export_erasures"


def unexported_since() -> datetime | None:
    """When the oldest row was erased of those that the next export begins with."""
    sessions = ErasedSession.objects.filter(exported_at__isnull=True).order_by("id")
    erasures = Erasure.objects.filter(exported_at__isnull=True).order_by("id")
    return min(
        [
            *sessions.values_list("erased_at", flat=True)[:CHUNK],
            *erasures.values_list("requested_at", flat=True)[:CHUNK],
        ],
        default=None,
    )


class LedgerCollector(Collector):
    """A collector that reads only partial indexes: of what goes on, and of what is not exported."""

    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        since, now = unexported_since(), clock.now()
        last = LastRun.objects.filter(name=EXPORT).first()
        pending = Erasure.objects.filter(ended_at__isnull=True)
        begun = pending.aggregate(begun=Min("requested_at"))["begun"]
        return [
            GaugeMetricFamily(
                "kyna_erasures_pending_seconds",
                "How long ago the oldest erasure was asked for that goes on; 0: none does.",
                value=_since(begun, now),
            ),
            GaugeMetricFamily(
                "kyna_erasures_unexported_seconds",
                "How long ago the oldest was erased that is not in the ledger's file; 0: all is.",
                value=_since(since, now),
            ),
            GaugeMetricFamily(
                "kyna_erasures_exported_timestamp_seconds",
                "When `export_erasures` last ended well; 0: never.",
                value=last.ended_at.timestamp() if last else 0.0,
            ),
        ]


def _since(then: datetime | None, now: datetime) -> float:
    return max(0.0, (now - then).total_seconds()) if then else 0.0
