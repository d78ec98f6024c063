"""The Celery application: `celery -A kynaplatform worker`, `celery -A kynaplatform beat`.

Every periodic task is declared here. The sweep isn't one: each worker has a timer for it
(sessions_app/session_sweep.py). Beat has no lock and a broker may deliver twice, so each task is
safe to run twice at once. `expires` saves a stopped worker from a long backlog; it is longer than
the clocks of two machines differ.
"""

import errno
import logging
import os
import socket
import warnings
from datetime import timedelta
from typing import Any, Final, TypeGuard

from amqp.exceptions import ConnectionError as AmqpConnectionError
from celery import Celery, bootsteps, signals
from celery.beat import PersistentScheduler, SchedulingError
from celery.exceptions import CPendingDeprecationWarning
from click import Option
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from kynaplatform.database.connections import is_outage
from kynaplatform.dependencies import BROKER, DATABASE
from kynaplatform.logs import NO_REQUEST, request_id

logger = logging.getLogger("kynaplatform.celery")

# A worker of this queue sends webhooks, and does nothing else. It gets no messages: deliveries are
# in the database.
WEBHOOKS: Final = "webhooks"
# The network's; a full disk or an unreadable file is no outage.
NETWORK_ERRNOS: Final = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
OF_BROKER: Final = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    AmqpConnectionError,
    BrokerError,
    RedisConnectionError,
    RedisTimeoutError,
)
# Logs failed tasks, whatever their error.
TASKS: Final = "celery.app.trace"
STEPS: Final = "celery.bootsteps"


class WithoutOutages(logging.Filter):
    """Drops lines and tracebacks about a broker or a database that is out of reach."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = _error_of(record)
        if error is not None and is_outage(error):
            DATABASE.record_failure(error)
        elif is_of_broker(error) and record.name != TASKS:
            BROKER.record_failure(error)
        else:
            return True
        return False


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """The exception that a line is about: logged with its traceback, or named in the text."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None and isinstance(record.args, tuple):
        error = next((each for each in record.args if isinstance(each, BaseException)), None)
    if record.name == STEPS or isinstance(error, SchedulingError):
        # Beat and a new start wrap the broker's error in others.
        while error is not None and not is_of_broker(error):
            error = error.__cause__ or error.__context__
    return error


def is_of_broker(error: BaseException | None) -> TypeGuard[BaseException]:
    return isinstance(error, OF_BROKER) or (
        isinstance(error, OSError) and error.errno in NETWORK_ERRNOS
    )


class Connected(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of a worker's consumer that begins each time it reaches the broker."""

    requires = ("celery.worker.consumer:Connection",)

    def start(self, _consumer: Any) -> None:
        BROKER.record_recovery()


@signals.after_task_publish.connect
def record_broker_recovery(**_: Any) -> None:
    BROKER.record_recovery()


@signals.celeryd_init.connect
@signals.setup_logging.connect
def configure_logs(**_: Any) -> None:
    """Log by LOG_LEVEL and LOG_FORMAT: with this connected, Celery configures nothing itself."""
    from celery.apps import worker
    from django.conf import settings
    from django.utils.log import configure_logging

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    # What a worker would print when it stops.
    worker.safe_say = lambda text, *_: logger.info(text)


@signals.celeryd_after_setup.connect
def drop_advice(**_: Any) -> None:
    """Each time the broker is lost, Celery recommends a setting in ten lines."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@signals.task_prerun.connect
def set_task_id(task_id: str, **_: Any) -> None:
    request_id.set(task_id)


@signals.task_postrun.connect
def clear_task_id(**_: Any) -> None:
    request_id.set(NO_REQUEST)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")

app = Celery("kynaplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(Connected)
# By name: the task, every how many seconds it runs, and when a message of it expires.
PERIODIC: Final = {
    "roll-up-usage": ("usage.tasks.roll_up_usage", 60.0, 3600),
    "prune-expired": ("sessions_app.tasks.prune_expired", 3600.0, 7200),
    "make-event-partitions": ("sessions_app.tasks.make_event_partitions", 3600.0, 7200),
    "apply-retention": ("sessions_app.tasks.apply_retention", 3600.0, 7200),
    "prune-deliveries": ("webhooks.tasks.prune_deliveries", 3600.0, 7200),
    # A run takes most of the 15 s, so no backlog may build up.
    "erase": ("erasure.tasks.erase", 15.0, 30),
    "prune-tries": ("tryout.tasks.prune_tries", 3600.0, 7200),
}
app.conf.beat_schedule = {
    name: {"task": task, "schedule": seconds, "options": {"expires": expires}}
    for name, (task, seconds, expires) in PERIODIC.items()
}


class Schedule(PersistentScheduler):  # type: ignore[misc]
    """Celery's stored schedule, which also goes on after the machine's clock went back.

    Celery's own waits for the time of the last run by the new clock, also after a restart.
    """

    def tick(self, *args: Any, **options: Any) -> float:
        now = self.app.now()
        entries = self.schedule.values()
        ahead = max((entry.last_run_at - now for entry in entries), default=timedelta())
        if ahead > timedelta(seconds=1):
            logging.getLogger("kynaplatform.beat").warning(
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
app.steps["worker"].add("sessions_app.session_sweep:WorkerTimers")
app.steps["worker"].add("webhooks.sender:WorkerSender")


def sends_webhooks(worker: Any) -> bool:
    return WEBHOOKS in worker.app.amqp.queues.consume_from


@signals.worker_init.connect
def begin_worker(sender: Any, **_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start(without=checks.NOT_OF_SENDERS if sends_webhooks(sender) else ())
    # After the settings are read: they say how this process counts.
    from kynaplatform.logs import log_engine_build
    from kynaplatform.worker_monitors import watch_tasks

    log_engine_build()
    watch_tasks(entry["task"] for entry in app.conf.beat_schedule.values())


@signals.beat_init.connect
def begin_beat(**_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start()
    from kynaplatform.worker_monitors import add_sent_at

    signals.before_task_publish.connect(add_sent_at)
