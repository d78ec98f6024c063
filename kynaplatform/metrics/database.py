"""Metrics of the database itself, which every role may read: its size, and what WAL it keeps."""

from collections.abc import Iterator
from contextlib import suppress

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

STATE = """
SELECT
    pg_database_size(current_database()),
    (
        SELECT COALESCE(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)
        FROM pg_replication_slots
    ),
    CASE WHEN current_setting('archive_mode') = 'off' THEN 0
    ELSE EXTRACT(
        epoch FROM clock_timestamp() - COALESCE(last_archived_time, pg_postmaster_start_time())
    ) END
FROM pg_stat_archiver
"""


class DatabaseCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(STATE)
            size, retained, unarchived = map(float, cursor.fetchone())
        return [
            GaugeMetricFamily("kyna_database_bytes", "The size of the database.", value=size),
            GaugeMetricFamily(
                "kyna_wal_retained_bytes",
                "WAL that the slowest replication slot keeps; 0 without slots.",
                value=retained,
            ),
            GaugeMetricFamily(
                "kyna_wal_unarchived_seconds",
                "How long ago a file of WAL was last archived; 0 where archive_mode is off.",
                value=unarchived,
            ),
        ]
