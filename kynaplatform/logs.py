"""The form of a log line: text, or one JSON object.

What a message names by `%(name)s` is a field of the object, so that one call makes both forms:
logger.info("session %(session_id)s: closed", {"session_id": …}).
"""

import json
import logging
import logging.config
import os
import re
import sys
import threading
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import NoneType, TracebackType
from typing import Any, Final

import click

from kynaplatform.database.session_settings import VARIABLE

logger = logging.getLogger("kynaplatform.process")

LONGEST: Final = 200
NO_REQUEST: Final = "-"
STANDARD_ERROR: Final = 2

_PLAIN: Final = (str, int, float, NoneType)
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class JsonLine(logging.Formatter):
    """One JSON object, flat: what every line has, then the message's own fields.

    A traceback is text in `exception`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._process = process_kind()

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", NO_REQUEST)
        line: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": None if request_id == NO_REQUEST else request_id,
            "process": self._process,
            "pid": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        if isinstance(record.args, Mapping):
            for name, value in record.args.items():
                line.setdefault(name, value if isinstance(value, _PLAIN) else str(value))
        return _encode(line)


class LineHandler(logging.Handler):
    """Write each line to standard error by a system call of its own, without a lock.

    StreamHandler's is held while it writes, and each thread waits there for the lines of others. A
    pipe takes a line of up to 4 KiB whole. A longer one, such as a traceback, may be mixed with
    others where the pipe is full, as those of several processes are.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        kept = bool(self.filter(record))
        if kept:
            self.emit(record)
        return kept

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = memoryview(f"{self.format(record)}\n".encode(errors="backslashreplace"))
            while line:
                line = line[os.write(STANDARD_ERROR, line) :]
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


class OneLine(logging.Filter):
    """A warning of one line, without our own stack: strangers send these as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = record.getMessage().encode("unicode_escape").decode()[:LONGEST]
        record.args = record.exc_info = record.exc_text = None
        return True


def process_kind() -> str:
    """api, web (the pages), runtime, migrate, worker or beat; any other is a command."""
    kind = os.environ.get(VARIABLE)
    if kind is None and (running := click.get_current_context(silent=True)) is not None:
        kind = running.info_name  # of `celery`
    return kind or "command"


def configure(logging_settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: also warnings, and exceptions that nobody caught, become lines."""
    logging.config.dictConfig(logging_settings)
    logging.captureWarnings(True)
    # Where a call stands, and in which thread: no line of ours says it.
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = False
    sys.excepthook = _tell_uncaught
    threading.excepthook = _tell_uncaught_in_thread
    sys.unraisablehook = _tell_ignored


def _utc(timestamp: float) -> str:
    moment = datetime.fromtimestamp(timestamp, UTC)
    return f"{moment.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if isinstance(error, Exception):
        logger.critical("uncaught exception", exc_info=(kind, error, trace))
    else:
        sys.__excepthook__(kind, error, trace)  # such as Ctrl-C


def _tell_uncaught_in_thread(hook: threading.ExceptHookArgs) -> None:
    error = hook.exc_value
    if error is not None and not isinstance(error, SystemExit):
        logger.critical(
            "uncaught exception in thread %(thread)s",
            {"thread": hook.thread and hook.thread.name},
            exc_info=error,
        )


def _tell_ignored(hook: "sys.UnraisableHookArgs") -> None:
    """Log an exception of a finalizer, which nobody could catch."""
    logger.error(
        "exception ignored in %(where)s",
        {"where": getattr(hook.object, "__qualname__", type(hook.object).__qualname__)},
        exc_info=hook.exc_value,
    )


request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
# The same of the API and of pages alone; empty in a worker's task or a stream. It goes into the
# database's setting kyna.request_id, of which each message of a webhook takes it.
served_request_id: ContextVar[str] = ContextVar("served_request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(given: str) -> str:
    """The client's own id when it is well formed, a new one otherwise."""
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def set_request_id(given: str) -> None:
    """Write it on every log line of the running task, and of what the task starts."""
    request_id.set(given)


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configuration(level: str, line_format: str) -> dict[str, object]:
    """Django's LOGGING. Lines from `level` on go to stderr, each as `text` or as `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "kynaplatform.logs.RequestIdFilter"},
            "one_line": {"()": "kynaplatform.logs.OneLine"},
            "without_outages": {"()": "kynaplatform.celery.WithoutOutages"},
        },
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
            "json": {"()": "kynaplatform.logs.JsonLine"},
        },
        "handlers": {
            "stderr": _handler(line_format),
            "one_line": _handler(line_format, "one_line"),
            "celery": _handler(line_format, "without_outages"),
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The request line is written by RequestIdMiddleware; Django's own repeats it.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR"},
            # A refused form, a file: with a traceback each, were it not for this.
            "django.security": {"handlers": ["one_line"], "propagate": False},
            # The request's own line names the host.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # At INFO they write each socket's address, and with it the token in its query.
            "uvicorn": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
            # It tells of its font cache as it is imported.
            "matplotlib": {"level": "ERROR"},
            "celery": {"handlers": ["celery"], "propagate": False},
            "kombu": {"handlers": ["celery"], "propagate": False},
        },
    }


def _handler(line_format: str, *filters: str) -> dict[str, object]:
    return {
        "class": "kynaplatform.logs.LineHandler",
        "filters": ["request_id", *filters],
        "formatter": line_format,
    }


def log_engine_build() -> None:
    from detection import ENGINE_BUILD

    build, reason = ENGINE_BUILD
    why = f" ({reason})" if reason else ""
    logging.getLogger("kynaplatform.engine").info(
        "the engine that runs: %(engine)s%(why)s", {"engine": build, "why": why}
    )
