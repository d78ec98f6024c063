"""Log lines as text or as one JSON object.

Each `%(name)s` of a message is also a field of the object, so that one call serves both forms:
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
from functools import lru_cache
from types import NoneType, TracebackType
from typing import Any, Final

import click

from kynaplatform.database.session_settings import VARIABLE

logger = logging.getLogger("kynaplatform.process")

MAX_CHARACTERS: Final = 200
NO_REQUEST: Final = "-"
STANDARD_ERROR: Final = 2

_PLAIN: Final = (str, int, float, NoneType)
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class TextLine(logging.Formatter):
    """A line of text, with its time in UTC, such as 2026-12-04T04:25:52.576Z."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


class JsonLine(TextLine):
    """One flat JSON object: the fields of every line, then the message's own.

    `exception` is a traceback as text.
    """

    def __init__(self) -> None:
        super().__init__()
        # api, web (the pages), runtime, migrate, worker, beat or command.
        kind = os.environ.get(VARIABLE)
        if kind is None and (running := click.get_current_context(silent=True)) is not None:
            kind = running.info_name  # of `celery`
        self._process = kind or "command"

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", NO_REQUEST)
        line: dict[str, Any] = {
            "time": self.formatTime(record),
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
    """Write each line to standard error with one system call, without a lock.

    With StreamHandler's lock each thread waits while others write. A pipe takes a line of up to
    4 KiB whole; a longer one, such as a traceback, may mix with others if the pipe is full.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        is_kept = bool(self.filter(record))
        if is_kept:
            self.emit(record)
        return is_kept

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = memoryview(f"{self.format(record)}\n".encode(errors="backslashreplace"))
            while line:
                line = line[os.write(STANDARD_ERROR, line) :]
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


class OneLine(logging.Filter):
    """A one-line warning without a stack: strangers cause these as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = record.getMessage().encode("unicode_escape").decode()[:MAX_CHARACTERS]
        record.args = record.exc_info = record.exc_text = None
        return True


def configure(logging_settings: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG; also makes lines of warnings and uncaught exceptions."""
    logging.config.dictConfig(logging_settings)
    logging.captureWarnings(True)
    # Our lines show neither the place of a call nor its thread.
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = False
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_ignored


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if isinstance(error, Exception):
        logger.critical("uncaught exception", exc_info=(kind, error, trace))
    else:
        sys.__excepthook__(kind, error, trace)  # such as Ctrl-C


def _log_uncaught_in_thread(hook: threading.ExceptHookArgs) -> None:
    error = hook.exc_value
    if error is not None and not isinstance(error, SystemExit):
        logger.critical(
            "uncaught exception in thread %(thread)s",
            {"thread": hook.thread and hook.thread.name},
            exc_info=error,
        )


def _log_ignored(hook: "sys.UnraisableHookArgs") -> None:
    """Log an exception of a finalizer, which can't be caught."""
    logger.error(
        "exception ignored in %(where)s",
        {"where": getattr(hook.object, "__qualname__", type(hook.object).__qualname__)},
        exc_info=hook.exc_value,
    )


# On every log line of the running task, and of what it starts.
request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
# Only of the API and pages; empty in a worker's task or a stream. It becomes the database's setting
# kyna.request_id, from which webhooks' messages take it.
served_request_id: ContextVar[str] = ContextVar("served_request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(given: str) -> str:
    """The client's own id if it is well formed, otherwise a new one."""
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configuration(level: str, line_format: str) -> dict[str, object]:
    """Django's LOGGING: lines from `level` up go to stderr, as `text` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "kynaplatform.logs.RequestIdFilter"},
            "one_line": {"()": "kynaplatform.logs.OneLine"},
            "without_outages": {"()": "kynaplatform.celery.WithoutOutages"},
        },
        "formatters": {
            "text": {
                "class": "kynaplatform.logs.TextLine",
                "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
            },
            "json": {"()": "kynaplatform.logs.JsonLine"},
        },
        "handlers": {
            "stderr": _handler(line_format),
            "one_line": _handler(line_format, "one_line"),
            "celery": _handler(line_format, "without_outages"),
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # FirstMiddleware writes the request's line; Django's own repeats it.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR"},
            # A refused form or file would have a traceback each.
            "django.security": {"handlers": ["one_line"], "propagate": False},
            # The request's own line names the host.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # At INFO they write each socket's address, and with it the token in its query.
            "uvicorn": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
            # It logs about its font cache when it is imported.
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
