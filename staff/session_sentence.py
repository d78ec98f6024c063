"""What happened in a session, in the sentences that its page begins with."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry

from sessions_app.deadlines import STATE_UNREADABLE
from sessions_app.event_counters import is_counted
from sessions_app.models import DetectionSession, Mode, Outcome, Status
from staff.display import counted, duration
from staff.history import history_of, told
from staff.session_timeline import lasted

SUSPENDED = {
    "organization_suspended": "its customer was suspended",
    "project_suspended": "its project was suspended",
}


def what_happened(
    session: DetectionSession, now: datetime, *, frames_span: str, why: Sequence[str]
) -> list[str]:
    """The sentences, the first of which says it. `frames_span` is the time of its frames, empty
    where it is not known, and `why` are the guesses at why nothing was counted."""
    sentences = list(_sentences(session, now, frames_span))
    if session.error_message and session.terminal_outcome != Outcome.FAILED:
        sentences.append(session.error_message)
    if why and session.started_at and _repetitions(session) == 0:
        sentences.append(f"Likely: {why[0]}")
    return sentences


def cancellation_of(session: DetectionSession) -> LogEntry | None:
    """The entry of the member of staff who cancelled it; None if its customer did, or if the log
    keeps it no more."""
    if session.terminal_outcome != Outcome.CANCELLED:
        return None
    return history_of(session).filter(change_message__startswith="Cancelled ").first()


def _sentences(session: DetectionSession, now: datetime, frames_span: str) -> Iterator[str]:
    outcome, tally = session.terminal_outcome, _tally(session, now, frames_span)
    if outcome is None:
        yield from _of_live(session, now, tally)
    elif outcome == Outcome.EXPIRED:
        waited = duration((session.ended_at or now) - session.created_at)
        yield f"No client connected within {waited}, so it was cancelled."
    elif outcome == Outcome.ABANDONED:
        yield f"{tally}. Then its client sent nothing more, so it failed."
    elif outcome == Outcome.SUSPENDED:
        why = SUSPENDED.get(session.error_code or "", "its customer or project was suspended")
        yield f"Cancelled because {why}. {tally}."
    elif outcome == Outcome.CANCELLED:
        yield f"{_cancelled(session, now)} {tally}."
    elif outcome == Outcome.FAILED:
        told = session.error_message or session.error_code or "the runtime said nothing of why."
        yield f"Failed: {told.rstrip('.')}. {tally}."
    elif session.error_code == STATE_UNREADABLE:
        yield f"{tally}, and ended on that: its stored state could be read no more."
    elif outcome == Outcome.MAX_DURATION:
        yield f"{tally}, and ended at the longest time that a session may last."
    else:
        yield f"{tally}, and ended as its client asked."


def _of_live(session: DetectionSession, now: datetime, tally: str) -> Iterator[str]:
    if session.status == Status.CREATED:
        yield "Waits for its client to connect."
        return
    if session.status == Status.FINALIZING:
        yield f"{tally} so far. Its end was asked for, and the last frames are being counted."
        return
    yield f"{tally} so far, and goes on."
    if session.lease_until is None or session.lease_until <= now:
        yield "No client is connected now."


def _cancelled(session: DetectionSession, now: datetime) -> str:
    entry = cancellation_of(session)
    if entry is None:
        return "Cancelled by its customer." if _is_in_log(session, now) else "Cancelled."
    reason = told(entry)[1].strip().rstrip(".")
    who = f"Cancelled by {entry.user.get_username()}, of staff"
    return f"{who}: {reason}." if reason else f"{who}."


def _is_in_log(session: DetectionSession, now: datetime) -> bool:
    """Whether the staff's log still has an entry of the session's end, if there was one."""
    days = settings.STAFF_LOG_RETENTION_DAYS
    if days is None or session.ended_at is None:
        return days is None
    return session.ended_at >= now - timedelta(days=days)


def _tally(session: DetectionSession, now: datetime, frames_span: str) -> str:
    """`Counted 12 repetitions in 5 min 10 s`: of the frames' own time, since a recording may be
    streamed as fast as it is taken."""
    streamed = lasted(session, now)
    if not streamed:
        return "Nothing was streamed"
    number = _repetitions(session)
    if number is None:
        what = "Streamed"
    else:
        what = f"Counted {counted(number, 'repetition') if number else 'nothing'}"
    if session.mode == Mode.REPLAY and frames_span:
        return f"{what} in a recording of {frames_span}, streamed in {streamed}"
    return f"{what} {'for' if number is None else 'in'} {frames_span or streamed}"


def _repetitions(session: DetectionSession) -> int | None:
    return sum(session.repetitions.values()) if is_counted(session) else None
