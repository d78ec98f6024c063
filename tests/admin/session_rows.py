"""Sessions in any state, and the list that shows them."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession

LIST = "/admin/sessions_app/detectionsession/"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
# What a state needs beside its name; live ones have an hour left.
ENDED = {"ended_at": NOON, "deadline_at": None}
STATES: dict[str, dict[str, Any]] = {
    "created": {},
    "streaming": {"started_at": NOON},
    "finalizing": {"started_at": NOON, "finishing_outcome": "completed"},
    "completed": ENDED | {"terminal_outcome": "completed"},
    "cancelled": ENDED | {"terminal_outcome": "cancelled"},
    "failed": ENDED | {"terminal_outcome": "failed", "error_code": "engine_broke"},
}


def make_session(
    movespec: MoveSpec, status: str = "completed", mode: str = "live", **columns: Any
) -> str:
    """The id of a session of the MoveSpec's project, created at NOON if not told otherwise."""
    made = DetectionSession.objects.create(
        **{
            "project_id": movespec.project_id,
            "resolved_version_id": movespec.current_released_version_id,
            "mode": mode,
            "status": status,
            "contract_major": 1,
            "created_at": NOON,
            "deadline_at": timezone.now() + HOUR,
            "signing_key_id": uuid.uuid4(),
            "runtime_token_expires_at": NOON,
            "stream_url": "ws://127.0.0.1/",
            **STATES[status],
            **columns,
        }
    )
    return str(made.id)


def overdue(movespec: MoveSpec, status: str, **columns: Any) -> str:
    """A session that the sweep has not seen: its deadline passed a minute ago."""
    now = timezone.now()
    passed = now - timedelta(minutes=1)
    longest = {} if status == "created" else {"longest_until": now + HOUR}
    return make_session(movespec, status, deadline_at=passed, **longest | columns)


def listed(client: Client, **asked: Any) -> list[str]:
    answer = client.get(LIST, asked)
    assert answer.status_code == 200
    return [str(session.id) for session in answer.context["cl"].result_list]


def cancel_address(session_id: str) -> str:
    return reverse("admin:sessions_app_detectionsession_cancel", args=[session_id])
