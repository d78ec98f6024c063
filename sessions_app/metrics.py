"""Metrics that are read from the database: live sessions, the lag of the sweep, and job runs.

A job run is when the sweep, a periodic task or the backup last ended well, over every restart.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final

from celery import current_app, shared_task
from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from kynaplatform import clock
from sessions_app.models import LIVE_STATUSES, DetectionSession, LastRun

BACKUP: Final = "backup"
SWEEP: Final = "sweep"


def periodic_task(work: Callable[[], int]) -> Any:
    """A Celery task that does `work` and records that it ended well."""

    @wraps(work)
    def run() -> int:
        done = work()
        job_run_record(name=task.name, now=clock.now())
        return done

    task = shared_task(run)
    return task


def job_run_record(*, name: str, now: datetime) -> None:
    LastRun.objects.bulk_create(
        [LastRun(name=name, ended_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["ended_at"],
    )


def swept_at() -> datetime | None:
    """When a sweep last ended well; None: never."""
    return LastRun.objects.filter(name=SWEEP).values_list("ended_at", flat=True).first()


def live_counts() -> dict[str, int]:
    """Live status → how many sessions have it."""
    live = DetectionSession.objects.live().order_by()
    counted = dict(live.values_list("status").annotate(count=Count("id")))
    return {str(status): counted.get(status, 0) for status in LIVE_STATUSES}


def sweep_lag(now: datetime) -> timedelta:
    """The time since the earliest deadline passed that no sweep has written."""
    earliest = DetectionSession.objects.aggregate(earliest=Min("deadline_at"))["earliest"]
    return max(timedelta(0), now - earliest) if earliest else timedelta(0)


def session_metrics() -> Iterator[Metric]:
    """Reads the job runs, and of sessions only the partial index of live ones."""
    live, lag = live_counts(), sweep_lag(clock.now())
    unread = DetectionSession.objects.live().filter(unreadable_since__isnull=False).count()
    ended_at = {run.name: run.ended_at.timestamp() for run in LastRun.objects.all()}
    sessions = GaugeMetricFamily(
        "kyna_sessions_live", "Sessions that have not ended.", labels=["status"]
    )
    for status, count in live.items():
        sessions.add_metric([status], count)
    yield sessions
    yield GaugeMetricFamily(
        "kyna_sweep_lag_seconds",
        "How long ago the earliest deadline passed that no sweep has written.",
        value=lag.total_seconds(),
    )
    yield GaugeMetricFamily(
        "kyna_sessions_unreadable",
        "Live sessions that no process yet could go on with: it can't read their state.",
        value=unread,
    )
    tasks = GaugeMetricFamily(
        "kyna_task_last_run_timestamp_seconds",
        "When the task last ended well; 0: never.",
        labels=["task"],
    )
    for task in sorted({entry["task"] for entry in current_app.conf.beat_schedule.values()}):
        tasks.add_metric([task], ended_at.get(task, 0.0))
    yield tasks
    yield GaugeMetricFamily(
        "kyna_sweep_last_run_timestamp_seconds",
        "When a worker's sweep last ended well; 0: never.",
        value=ended_at.get(SWEEP, 0.0),
    )
    yield GaugeMetricFamily(
        "kyna_backup_last_timestamp_seconds",
        "When `record_backup` was last run; 0: never.",
        value=ended_at.get(BACKUP, 0.0),
    )
