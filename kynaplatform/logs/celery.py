"""Celery's log lines: in the form of the others, and without each failure of an outage."""

import errno
import logging
import socket
import warnings
from typing import Any, Final, TypeGuard

from amqp.exceptions import ConnectionError as AmqpConnectionError
from celery import bootsteps
from celery.beat import SchedulingError
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import (
    after_task_publish,
    celeryd_after_setup,
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
)
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from kynaplatform.database.connections import is_outage
from kynaplatform.dependencies import BROKER, DATABASE
from kynaplatform.logs.lines import NO_REQUEST
from kynaplatform.logs.request_id import bear_request_id

logger = logging.getLogger("kynaplatform.celery")

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
            DATABASE.met(error)
        elif is_of_broker(error) and record.name != TASKS:
            BROKER.met(error)
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
        BROKER.over()


@after_task_publish.connect
def tell_that_it_is_back(**_: Any) -> None:
    BROKER.over()


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
