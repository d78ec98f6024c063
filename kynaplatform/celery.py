"""The Celery application: `celery -A kynaplatform worker`, `celery -A kynaplatform beat`.

Every periodic task is declared here. The sweep is none: each worker has a timer for it
(sessions_app/worker_timers.py). Beat has no lock and a broker may deliver twice, so each task is
safe to run twice at once. `expires` keeps a stopped worker from meeting a long backlog; it is
longer than the clocks of two machines differ, for each reads its own.
"""

import logging
import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.beat import PersistentScheduler
from celery.signals import beat_init, before_task_publish, worker_init
from click import Option

from kynaplatform.logs import celery as celery_lines
from kynaplatform.queues import sends_webhooks

logger = logging.getLogger("kynaplatform.beat")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")

app = Celery("kynaplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(celery_lines.Connected)
app.conf.beat_schedule = {
    "roll-up-usage": {
        "task": "usage.tasks.roll_up_usage",
        "schedule": 60.0,
        "options": {"expires": 3600},
    },
    "prune-expired": {
        "task": "sessions_app.tasks.prune_expired",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
    "make-event-partitions": {
        "task": "sessions_app.tasks.make_event_partitions",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
    "apply-retention": {
        "task": "sessions_app.tasks.apply_retention",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
    "prune-deliveries": {
        "task": "webhooks.tasks.prune_deliveries",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
    "erase": {
        "task": "erasure.tasks.erase",
        "schedule": 15.0,
        # A run lasts for most of that, so no backlog of them may come.
        "options": {"expires": 30},
    },
    "prune-tries": {
        "task": "tryout.tasks.prune_tries",
        "schedule": 3600.0,
        "options": {"expires": 7200},
    },
}


class Schedule(PersistentScheduler):  # type: ignore[misc]
    """The stored schedule, which goes on after the machine's clock went back. Celery's own waits
    until the last run is over by the new clock too, and a restart reads the same last run."""

    def tick(self, *args: Any, **options: Any) -> float:
        now = self.app.now()
        entries = self.schedule.values()
        ahead = max((entry.last_run_at - now for entry in entries), default=timedelta())
        if ahead > timedelta(seconds=1):
            logger.warning(
                "The clock went back by %(seconds).0f s at least: the schedule begins anew.",
                {"seconds": ahead.total_seconds()},
            )
            for entry in entries:
                entry.last_run_at = min(entry.last_run_at, now)
            self._heap = None
        seconds: float = super().tick(*args, **options)
        return seconds


app.conf.beat_scheduler = f"{__name__}:{Schedule.__name__}"
app.user_options["worker"].add(
    Option(
        ["--metrics-host"],
        default="127.0.0.1",
        show_default=True,
        help="Address that /healthz and /metrics listen on, at WORKER_METRICS_PORT.",
    )
)
app.steps["worker"].add("kynaplatform.worker_monitors:WorkerServer")
app.steps["worker"].add("sessions_app.worker_timers:WorkerTimers")
app.steps["worker"].add("webhooks.sender:WorkerSender")


@worker_init.connect
def begin_worker(sender: Any, **_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start(without=checks.NOT_OF_SENDERS if sends_webhooks(sender) else ())
    # Not before the settings are read: they say how this process counts.
    from kynaplatform.logs.engine import tell_engine_build
    from kynaplatform.metrics.tasks import watch_tasks

    tell_engine_build()
    watch_tasks(entry["task"] for entry in app.conf.beat_schedule.values())


@beat_init.connect
def begin_beat(**_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start()
    from kynaplatform.metrics.tasks import add_sent_at

    before_task_publish.connect(add_sent_at)
