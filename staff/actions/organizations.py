"""Suspend and resume an organization or a project."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from erasure.owners import erasure_of
from kynaplatform.api.errors import Conflict
from projects import suspension
from projects.models import Organization, Project
from staff.actions.base import Outcome, StaffAction, Submission
from staff.display import counted


def suspend(row: Organization | Project, *, now: datetime) -> str:
    """Suspend it; the deed for the history. Raises Conflict if it is suspended."""
    if not suspension.suspend(row, now=now):
        row.refresh_from_db(fields=["suspended_at"])
        raise Conflict(f"It has been suspended since {row.suspended_at:%Y-%m-%d %H:%M} UTC.")
    return f"Suspended {row}."


def resume(row: Organization | Project) -> str:
    """Resume it; the deed for the history. Raises Conflict if it is not suspended, or erased."""
    if erasure_of(row) is not None:
        raise Conflict("It is being erased.")
    if not suspension.resume(row):
        raise Conflict("It is not suspended.")
    return f"Resumed {row}."


class Suspend(StaffAction):
    name = "suspend"
    label = "Suspend"
    past = "Suspended"
    permission = "projects.suspend_{model}"

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        if isinstance(rows[0], Organization):
            projects = counted(sum(row.project_count for row in rows), "project")
            refused = f"Every request of {projects} is refused at once: organization_suspended."
        else:
            refused = "Every request is refused at once: project_suspended."
        sessions = counted(sum(row.live_session_count for row in rows), "live session")
        return [
            refused,
            f"Cancelled at once, for good: {sessions}.",
            "MoveSpecs, keys and limits stay as they are, for a resume.",
        ]

    def perform(self, row: Any, submission: Submission) -> Outcome:
        return Outcome(suspend(row, now=submission.now))


class Resume(StaffAction):
    name = "resume"
    label = "Resume"
    past = "Resumed"
    permission = "projects.suspend_{model}"
    is_dangerous = False

    def applies_to(self, row: Organization | Project) -> bool:
        return row.suspended_at is not None and erasure_of(row) is None

    def effects(self, rows: Sequence[Any]) -> list[str]:
        told = ["Requests are let in again at once. Sessions that were cancelled stay so."]
        if isinstance(rows[0], Organization):
            return [*told, "A project that is itself suspended stays so."]
        if any(row.organization.suspended_at is not None for row in rows):
            told.append(
                "Where the organization is suspended, requests are refused until it is not."
            )
        return told

    def perform(self, row: Any, submission: Submission) -> Outcome:
        return Outcome(resume(row))
