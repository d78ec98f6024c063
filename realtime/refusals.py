"""The errors that refuse or close a socket, with the table of their close codes."""

import math
from datetime import datetime
from typing import Final

from kynaplatform.api import errors
from kynaplatform.api.errors import ApiError
from kynaplatform.timing import READER_GRACE
from sessions_app.lifecycle import SessionAlreadyEnded
from sessions_app.runtime_tokens import (
    RuntimeTokenExpired,
    RuntimeTokenInvalid,
    RuntimeTokenMissing,
)

NORMAL_CLOSURE: Final = 1000
RESTARTING: Final = 1012
DOES_NOT_READ: Final = 4408
DOES_NOT_READ_REASON: Final = "does_not_read"
# "Try Again Later" in the registry of RFC 6455.
TRY_AGAIN_LATER: Final = 1013
MAX_WAIT_SECONDS: Final = 60.0
HELD_ELSEWHERE_SECONDS: Final = 5


class MessageInvalid(ApiError):
    status, code = 400, "message_invalid"
    sentence = "The message could not be read."


class BatchTooLarge(ApiError):
    status, code = 413, "batch_too_large"
    sentence = "A message holds at most 2 MiB and 300 frames."


class SessionSuperseded(ApiError):
    status, code = 409, "session_superseded"
    sentence = "A newer connection holds this session."


class SessionUnreadable(ApiError):
    """The refusal of an attach while only another process may be able to read the state.

    The client should wait for half as long as that has lasted, 1 to 60 s, and not beyond its end.
    """

    status, code, retryable = 503, "state_unreadable", True

    def __init__(self, since: datetime | None, now: datetime) -> None:
        if since is None:
            sentence = "Another server holds this session, and can read its state: attach again."
            super().__init__(sentence, retry_after_seconds=HELD_ELSEWHERE_SECONDS)
            return
        passed = (now - since).total_seconds()
        left = READER_GRACE.total_seconds() - passed
        wait = max(1, math.ceil(min(passed / 2, left, MAX_WAIT_SECONDS)))
        sentence = (
            "This server can't read the session's stored state. Another may: attach again in "
            f"{wait} s. If none can, the session is completed {max(1, math.ceil(left))} s from now."
        )
        super().__init__(sentence, retry_after_seconds=wait)


class Restarting(Exception):
    """The close 1012, without an error message: this runtime can't go on, but another may."""

    code = "restarting"

    def __str__(self) -> str:
        return "Another attach can go on with the session."


# Every error that an attach or a served message can raise.
_CLOSE_CODES: Final[dict[type[Exception], int]] = {
    Restarting: RESTARTING,
    errors.InternalError: RESTARTING,
    MessageInvalid: 4400,
    RuntimeTokenMissing: 4401,
    RuntimeTokenInvalid: 4401,
    RuntimeTokenExpired: 4401,
    errors.ProjectSuspended: 4403,
    errors.OrganizationSuspended: 4403,
    errors.AuthorizationFailed: 4403,
    errors.NotFound: 4404,
    SessionSuperseded: 4409,
    SessionAlreadyEnded: 4410,
    BatchTooLarge: 4413,
    errors.RateLimited: 4429,
    SessionUnreadable: TRY_AGAIN_LATER,
}


def close_code(error: ApiError | Restarting) -> int:
    """The code that a socket is closed with after `error`. 1012 asks the client to attach again."""
    return _CLOSE_CODES[type(error)]
