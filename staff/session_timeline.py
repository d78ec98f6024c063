"""The timeline of a session: its steps so far, and what its deadline will do."""

from datetime import datetime
from typing import NamedTuple

from django.utils.text import capfirst

from kynaplatform.timing import FINALIZING_GRACE
from sessions_app.models import DetectionSession, Outcome, Status
from staff.display import counted, duration
from staff.plain_words import outcome_words


class Step(NamedTuple):
    """`at` is None where the moment is not kept; `after` is the time since the step before."""

    name: str
    meaning: str
    at: datetime | None
    is_ahead: bool = False
    after: str = ""


def timeline(session: DetectionSession, now: datetime) -> list[Step]:
    """The steps of a session that was read at `now`."""
    passed = [Step("Created", f"Admitted, to run {session.mode}.", session.created_at)]
    if session.started_at:
        passed.append(Step("Started", "Its client connected.", session.started_at))
    if session.status == Status.FINALIZING:
        # Of the ways here, only the longest duration is kept with its moment.
        at = session.longest_until if session.finishing_outcome == Outcome.MAX_DURATION else None
        meaning = f"Its last frames are counted: then it is {_end_words(session)}."
        passed.append(Step("Finalizing", meaning, at))
    if session.ended_at:
        passed.append(Step("Ended", _end(session), session.ended_at))
    ahead = []
    if session.lease_until:
        held = "A stream server holds it until then, unless it renews its lease."
        if session.lease_until <= now:
            held = "It ran out: no stream server holds the session now."
        ahead.append(Step("Lease", held, session.lease_until, session.lease_until > now))
    if session.deadline_at:
        is_ahead = session.deadline_at > now
        ahead.append(Step("Deadline", _deadline(session), session.deadline_at, is_ahead))
    return _with_durations([*passed, *sorted(ahead, key=lambda step: step.at or now)])


def lasted(session: DetectionSession, now: datetime) -> str:
    """The time that it has streamed; empty if no runtime attached."""
    if session.started_at is None:
        return ""
    return duration((session.ended_at or now) - session.started_at)


def _end(session: DetectionSession) -> str:
    error = f" {session.error_code}: {session.error_message}" if session.error_code else ""
    end = outcome_words(session.terminal_outcome or session.status)
    return f"{capfirst(end)}, {counted(session.accepted_frames_total, 'frame')} taken.{error}"


def _end_words(session: DetectionSession) -> str:
    return outcome_words(session.finishing_outcome or Outcome.COMPLETED)


def _deadline(session: DetectionSession) -> str:
    """What `sessions_app.deadlines` writes once the deadline has passed."""
    if session.unreadable_since:
        return "Completed on what is counted, unless a process that can read its state does before."
    if session.status == Status.CREATED:
        return "Cancelled, unless its client connects before."
    if session.status == Status.FINALIZING:
        return f"{capfirst(_end_words(session))}, unless the stream server does it before."
    if session.longest_until and session.deadline_at == session.longest_until:
        return (
            "The longest time that it may last: completed then, by its stream server if that still "
            f"holds it or did {FINALIZING_GRACE.seconds} s before."
        )
    return "Failed, unless its client sends something before."


def _with_durations(steps: list[Step]) -> list[Step]:
    timed: list[Step] = []
    before: datetime | None = None
    for step in steps:
        if step.at and before and step.at >= before:
            step = step._replace(after=duration(step.at - before))
        timed.append(step)
        before = step.at or before
    return timed
