"""The Celery application: `celery -A kynaplatform worker`, `celery -A kynaplatform beat`.

Every periodic task is declared here. The sweep is none: each worker has a timer for it
(sessions_app/session_sweep.py). Beat has no lock and a broker may deliver twice, so each task is
safe to run twice at once. `expires` keeps a stopped worker from meeting a long backlog; it is
longer than the clocks of two machines differ, for each reads its own.
"""

import errno
import logging
import os
import socket
import warnings
from datetime import timedelta
from typing import Any, Final, TypeGuard

from amqp.exceptions import ConnectionError as AmqpConnectionError
from celery import Celery, bootsteps
from celery.beat import PersistentScheduler, SchedulingError
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import (
    after_task_publish,
    beat_init,
    before_task_publish,
    celeryd_after_setup,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
)
from click import Option
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from kynaplatform.database.connections import is_outage
from kynaplatform.dependencies import BROKER, DATABASE
from kynaplatform.logs import NO_REQUEST, bear_request_id

logger = logging.getLogger("kynaplatform.celery")

# A worker of this queue sends webhooks, and does nothing else. No message comes by it: what is to
# be sent is in the database.
WEBHOOKS: Final = "webhooks"
# Of what the network says; a full disk or a file that may not be read is no outage.
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
# Where tasks fail, by whatever they have met.
TASKS: Final = "celery.app.trace"
STEPS: Final = "celery.bootsteps"


class WithoutOutages(logging.Filter):
    """Leaves out the lines of a broker or a database that is away, and their tracebacks."""

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
    """The exception that a line is about: with its traceback, or named in its text."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None and isinstance(record.args, tuple):
        error = next((each for each in record.args if isinstance(each, BaseException)), None)
    if record.name == STEPS or isinstance(error, SchedulingError):
        return _root_of(error)
    return error


def _root_of(error: BaseException | None) -> BaseException | None:
    """The broker's error that led to this one, which beat and a new start wrap in others."""
    while error is not None and not is_of_broker(error):
        error = error.__cause__ or error.__context__
    return error


def is_of_broker(error: BaseException | None) -> TypeGuard[BaseException]:
    return isinstance(error, OF_BROKER) or (
        isinstance(error, OSError) and error.errno in NETWORK_ERRNOS
    )


class Connected(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of a worker's consumer that begins each time that it has reached the broker."""

    requires = ("celery.worker.consumer:Connection",)

    def start(self, _consumer: Any) -> None:
        BROKER.record_recovery()


@after_task_publish.connect
def tell_that_it_is_back(**_: Any) -> None:
    BROKER.record_recovery()


@celeryd_init.connect
@setup_logging.connect
def write_as_the_others(**_: Any) -> None:
    """Log by LOG_LEVEL and LOG_FORMAT alone: with this connected, Celery sets nothing up itself."""
    from celery.apps import worker
    from django.conf import settings
    from django.utils.log import configure_logging

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    worker.safe_say = say


def say(text: str, *_: Any) -> None:
    """The log line in place of what a worker prints when it is told to stop."""
    logger.info(text)


@celeryd_after_setup.connect
def leave_out_advice(**_: Any) -> None:
    """At each loss of the broker Celery tells of a setting, in ten lines."""
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@task_prerun.connect
def bear_task_id(task_id: str, **_: Any) -> None:
    bear_request_id(task_id)


@task_postrun.connect
def put_down_task_id(**_: Any) -> None:
    bear_request_id(NO_REQUEST)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")

app = Celery("kynaplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(Connected)
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


@worker_init.connect
def begin_worker(sender: Any, **_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start(without=checks.NOT_OF_SENDERS if sends_webhooks(sender) else ())
    # Not before the settings are read: they say how this process counts.
    from kynaplatform.logs import tell_engine_build
    from kynaplatform.worker_monitors import watch_tasks

    tell_engine_build()
    watch_tasks(entry["task"] for entry in app.conf.beat_schedule.values())


@beat_init.connect
def begin_beat(**_: Any) -> None:
    from kynaplatform import checks

    checks.refuse_to_start()
    from kynaplatform.worker_monitors import add_sent_at

    before_task_publish.connect(add_sent_at)
