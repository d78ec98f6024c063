"""Cancel a session that still runs."""

from collections.abc import Sequence

from sessions_app.absences import make_up_for_absence
from sessions_app.errors import SessionAlreadyEnded
from sessions_app.lifecycle import session_cancel, settle_locked
from sessions_app.models import LIVE_STATUSES, DetectionSession
from staff.actions.base import Outcome, StaffAction, Submission
from staff.full_names import full_name


class Cancel(StaffAction):
    name = "cancel"
    label = "Cancel"
    way_out = "Leave it running"
    past = "Cancelled"
    permission = "sessions_app.cancel_detectionsession"

    def applies_to(self, row: DetectionSession) -> bool:
        return row.status in LIVE_STATUSES

    def title(self, row: DetectionSession) -> str:
        return f"Cancel session {full_name(row)}"

    def effects(self, rows: Sequence[DetectionSession]) -> list[str]:
        return [
            "Each session that still runs ends now, cancelled and without a result.",
            "A client that is attached gets session_done and is disconnected.",
            "Frames that were acknowledged stay counted.",
            "A session that has ended by then keeps its outcome, and you are told of it.",
        ]

    def perform(self, row: DetectionSession, submission: Submission) -> Outcome:
        # Locked, so that what is found here is what `session_cancel` finds: cancelling what was
        # cancelled already is no error to it.
        make_up_for_absence(submission.now)
        one = DetectionSession.objects.filter(id=row.id)
        settle_locked(one, submission.now, row.project_id)
        found = one.first()
        if found is not None and found.status not in LIVE_STATUSES:
            raise SessionAlreadyEnded(
                f"It had ended already: {found.status}, outcome {found.terminal_outcome}."
            )
        session_cancel(session_id=row.id, project_id=row.project_id, now=submission.now)
        return Outcome(f"Cancelled session {full_name(row)}.")
