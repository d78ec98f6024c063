"""A new session, as it is stored and as it is read: what a create does not decide."""

from typing import Any

COLUMNS: dict[str, Any] = {
    "contract_major": 1,
    "status": "created",
    "terminal_outcome": None,
    "finishing_outcome": None,
    "error_code": None,
    "error_message": None,
    "accepted_frames_total": 0,
    "rejected_frames_total": 0,
    "events_total": 0,
    "repetitions": {},
    "interrupted_total": 0,
    "counted_events_total": 0,
    "last_frame_seq": 0,
    "last_batch_seq": 0,
    "started_at": None,
    "ended_at": None,
    "longest_until": None,
    "attachment_id": None,
    "lease_until": None,
    "checkpoint_number": 0,
    "engine_state": None,
    "engine_version": None,
    "is_state_unreadable": False,
    "idempotency_key": None,
}
# In the order of the wire; what is `...` differs from session to session.
RECORD: dict[str, Any] = {
    "session_id": ...,
    "organization_id": ...,
    "project_id": ...,
    "mode": "live",
    "status": "created",
    "resolved_movespec_version_id": ...,
    "accepted_frames_total": 0,
    "terminal_outcome": None,
    "created_at": ...,
    "started_at": None,
    "ended_at": None,
    "deadline_at": ...,
    "error_code": None,
    "error_message": None,
    "repetitions": {},
    "interrupted_total": 0,
}
