"""The log lines of a stream: one for its attach or its refusal, and one for its close."""

import logging
from typing import Final
from uuid import UUID

from kynaplatform.api.errors import ApiError
from realtime.attach import Attached, Handshake
from realtime.connection import Connection
from realtime.refusals import Restarting

logger = logging.getLogger("kynaplatform.realtime")

_UUID_CHARACTERS: Final = 36


def tell_attached(attached: Attached, handshake: Handshake) -> None:
    logger.info(
        "session %(session_id)s: attached from %(address)s, project %(project_id)s, "
        "attachment %(attachment_id)s",
        {
            "session_id": attached.session.id,
            "project_id": attached.session.project_id,
            "attachment_id": attached.attachment_id,
            "address": handshake.address,
        },
    )


def tell_refused(handshake: Handshake, error: ApiError | Restarting, code: int) -> None:
    """`code` is the close code, or the HTTP status where there is no websocket to close."""
    session_id = _id_in(handshake.session_id)
    logger.info(
        ("session %(session_id)s: " if session_id else "")
        + "attach refused from %(address)s, closed %(close_code)d, %(error_code)s: %(reason)s",
        {
            "session_id": session_id,
            "address": handshake.address,
            "close_code": code,
            "error_code": error.code,
            "reason": str(error),
        },
    )


def tell_gone(handshake: Handshake, code: int) -> None:
    session_id = _id_in(handshake.session_id)
    logger.info(
        "session %(session_id)s: its client left before it was attached, from %(address)s, "
        "closed %(close_code)d",
        {"session_id": session_id, "address": handshake.address, "close_code": code},
    )


def tell_closed(connection: Connection, code: int) -> None:
    error = connection.error_code
    logger.info(
        "session %(session_id)s: closed %(close_code)d by the %(closed_by)s, "
        "%(accepted_frames)d frames in %(seconds).1f s"
        + ("" if error is None else ", %(error_code)s"),
        {
            "session_id": connection.session_id,
            "project_id": connection.project_id,
            "attachment_id": connection.attachment_id,
            "close_code": code,
            "closed_by": "client" if connection.is_closed_by_client else "server",
            "error_code": error,
            "accepted_frames": connection.accepted_frames,
            "seconds": round(connection.seconds(), 1),
        },
    )


def _id_in(path: str) -> str | None:
    """The id of the session in a path. Anything else is not logged: it may be a token."""
    try:
        return str(UUID(path)) if len(path) == _UUID_CHARACTERS else None
    except ValueError:
        return None
