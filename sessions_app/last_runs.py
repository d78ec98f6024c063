"""When the sweep, each periodic task and the backup last ended well, over every restart."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any, Final

from celery import current_app, shared_task
from django.db import DatabaseError, InterfaceError
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kynaplatform import clock
from sessions_app.models import LastRun

BACKUP: Final = "backup"
SWEEP: Final = "sweep"


def periodic_task(work: Callable[[], int]) -> Any:
    """A task of beat's, which does `work` and writes that it ended well."""

    @wraps(work)
    def run() -> int:
        done = work()
        last_run_record(name=task.name, now=clock.now())
        return done

    task = shared_task(run)
    return task


def last_run_record(*, name: str, now: datetime) -> None:
    LastRun.objects.bulk_create(
        [LastRun(name=name, ended_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["ended_at"],
    )


def swept_at() -> datetime | None:
    """When a sweep last ended well; None: never."""
    return LastRun.objects.filter(name=SWEEP).values_list("ended_at", flat=True).first()


class LastRunCollector(Collector):
    """The last runs of the sweep, of what beat sends, and of the backup; 0 is never."""

    def collect(self) -> Iterator[Metric]:
        with suppress(DatabaseError, InterfaceError):
            yield from self._read()

    def _read(self) -> list[Metric]:
        ended_at = dict(LastRun.objects.values_list("name", "ended_at"))

        def seconds(name: str) -> float:
            return ended_at[name].timestamp() if name in ended_at else 0.0

        runs = GaugeMetricFamily(
            "kyna_task_last_run_timestamp_seconds",
            "When the task last ended well; 0: never.",
            labels=["task"],
        )
        for task in sorted({entry["task"] for entry in current_app.conf.beat_schedule.values()}):
            runs.add_metric([task], seconds(task))
        backup = GaugeMetricFamily(
            "kyna_backup_last_timestamp_seconds",
            "When `record_backup` was last run; 0: never.",
            value=seconds(BACKUP),
        )
        sweep = GaugeMetricFamily(
            "kyna_sweep_last_run_timestamp_seconds",
            "When a worker's sweep last ended well; 0: never.",
            value=seconds(SWEEP),
        )
        return [runs, sweep, backup]
