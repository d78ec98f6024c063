"""The closes of a connection, and the waits before another try.

Each close means: attach again, stop, or the session has ended.
"""

import random
from collections.abc import Iterator

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus

from clients.python.wire import Fault, SessionDone

# The session ended before the client was told. The error's details say how.
ALREADY_ENDED = 4410
# After these another attach would be refused as well, or (4409) take the session from a newer one.
FINAL_CLOSES = frozenset({1002, 1007, 1009, 4400, 4401, 4403, 4404, 4409, 4413})
ABNORMAL = 1006
TOO_MANY_REQUESTS = 429
SERVER_FAULT = 500


class StreamRefusedError(Exception):
    """The stream refused this client for good; `close_code` and `fault` say why."""

    def __init__(self, close_code: int, fault: Fault | None) -> None:
        self.close_code = close_code
        self.fault = fault
        told = f"{fault.code}: {fault.message}" if fault else "no reason given"
        super().__init__(f"The stream was closed with {close_code} ({told})")


def has_ended(error: Exception) -> bool:
    """Whether an attach was refused because the session has ended."""
    return isinstance(error, ConnectionClosed) and _code(error) == ALREADY_ENDED


def why_closed(error: Exception, fault: Fault | None) -> str:
    """The reason of a close, for people. Raises StreamRefusedError if no other attach can succeed.

    `error` is the exception of websockets, `fault` the server's last error message.
    """
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status < SERVER_FAULT and status != TOO_MANY_REQUESTS:
            raise StreamRefusedError(status, None) from error
    if not isinstance(error, ConnectionClosed):
        return str(error) or type(error).__name__
    code = _code(error)
    if code in FINAL_CLOSES:
        raise StreamRefusedError(code, fault) from error
    return f"closed with {code}" + (f" ({fault.code})" if fault else "")


def wait_wanted(error: Exception, fault: Fault | None) -> float:
    """The seconds that the server, or a proxy before it, asked to wait."""
    if isinstance(error, InvalidStatus):
        return retry_after_seconds(error.response.headers.get("Retry-After"))
    wanted = fault and fault.details.get("retry_after_seconds")
    return float(wanted) if isinstance(wanted, int | float) else 0.0


def retry_after_seconds(header: str | None) -> float:
    """The seconds of a Retry-After header; 0 if there is none, or it is a date."""
    return float(header) if header and header.isdecimal() else 0.0


def backoff(shortest_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Seconds to wait, without end: each time up to twice as long.

    They are random, so that clients which a restart cut off together come back apart.
    """
    seconds = shortest_seconds
    while True:
        yield seconds * random.uniform(0.5, 1.0)  # noqa: S311
        seconds = min(2 * seconds, longest_seconds)


def done_as_told(fault: Fault | None, session_id: str) -> SessionDone:
    """The end of a session, as the details of `session_already_ended` tell it."""
    details = fault.details if fault else {}
    told = {name: details.get(name) for name in SessionDone.__struct_fields__}
    return msgspec.convert(told | {"type": "session_done", "session_id": session_id}, SessionDone)


def _code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd else ABNORMAL
