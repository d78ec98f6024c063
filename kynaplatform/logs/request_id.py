"""The request id of the running task, which every log line names."""

import logging
import re
import uuid
from contextvars import ContextVar

from kynaplatform.logs.lines import NO_REQUEST

request_id: ContextVar[str] = ContextVar("request_id", default=NO_REQUEST)
# The same of the API and of pages alone; empty in a worker's task or a stream. It goes into the
# database's setting kyna.request_id, of which each message of a webhook takes it.
served_request_id: ContextVar[str] = ContextVar("served_request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def request_id_of(given: str) -> str:
    """The client's own id when it is well formed, a new one otherwise."""
    return given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex


def bear_request_id(given: str) -> None:
    """Write it on every log line of the running task, and of what the task starts."""
    request_id.set(given)


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True
