"""The timeline of a session: its steps so far, and what its deadline will do."""

from datetime import datetime
from typing import NamedTuple

from kynaplatform.timing import FINALIZING_GRACE
from sessions_app.models import DetectionSession, Outcome, Status
from staff.display import duration


class Step(NamedTuple):
    """`at` is None where the moment is not kept; `after` is the time since the step before."""

    name: str
    meaning: str
    at: datetime | None
    is_ahead: bool = False
    after: str = ""


def timeline(session: DetectionSession, now: datetime) -> list[Step]:
    """The steps of a session that was read as of `now`."""
    passed = [Step("Created", f"Admitted, to run {session.mode}.", session.created_at)]
    if session.started_at:
        passed.append(Step("Started", "A runtime attached.", session.started_at))
    if session.status == Status.FINALIZING:
        # Of the ways here, only the longest duration is kept with its moment.
        at = session.longest_until if session.finishing_outcome == Outcome.MAX_DURATION else None
        meaning = f"Its runtime is to finish it as {session.finishing_outcome}."
        passed.append(Step("Finalizing", meaning, at))
    if session.ended_at:
        passed.append(Step("Ended", _end(session), session.ended_at))
    ahead = []
    if session.lease_until:
        held = "The runtime holds it until then, unless it renews its lease."
        if session.lease_until <= now:
            held = "It ran out: no runtime holds the session now."
        ahead.append(Step("Lease", held, session.lease_until, session.lease_until > now))
    if session.deadline_at:
        ahead.append(Step("Deadline", _deadline(session), session.deadline_at, is_ahead=True))
    return _with_durations([*passed, *sorted(ahead, key=lambda step: step.at or now)])


def lasted(session: DetectionSession, now: datetime) -> str:
    """The time that it has streamed; empty if no runtime attached."""
    if session.started_at is None:
        return ""
    return duration((session.ended_at or now) - session.started_at)


def _end(session: DetectionSession) -> str:
    error = f" {session.error_code}: {session.error_message}" if session.error_code else ""
    return (
        f"{session.status}, outcome {session.terminal_outcome}, "
        f"{session.accepted_frames_total} frames accepted.{error}"
    )


def _deadline(session: DetectionSession) -> str:
    """The effect of `sessions_app.deadlines.as_due` when the deadline passes."""
    if session.unreadable_since:
        return "Completed on what is counted, unless a process that can read its state does before."
    if session.status == Status.CREATED:
        return "Cancelled as expired, unless a runtime attaches before."
    if session.status == Status.FINALIZING:
        return f"Completed as {session.finishing_outcome}, unless the runtime does it before."
    if session.longest_until and session.deadline_at == session.longest_until:
        return (
            "The longest duration: completed as max_duration, by its runtime if that still holds "
            f"it or did {FINALIZING_GRACE.seconds} s before."
        )
    return "Failed as abandoned, unless its client sends something before."


def _with_durations(steps: list[Step]) -> list[Step]:
    timed: list[Step] = []
    before: datetime | None = None
    for step in steps:
        if step.at and before and step.at >= before:
            step = step._replace(after=duration(step.at - before))
        timed.append(step)
        before = step.at or before
    return timed
