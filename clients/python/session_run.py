"""The run of one whole session: create, attach, stream, finalize, and read it back.

StatusLines tells people how it goes.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TextIO

from clients.python.batches import Moment, batches_of
from clients.python.rest import RequestFailedError, RestClient
from clients.python.stream import StreamClient, StreamListener
from clients.python.wire import Event, FrameAck, Readiness, SessionDone


@dataclass(frozen=True, kw_only=True)
class SessionRun:
    """The result of a session, from the stream and from the API afterwards."""

    frames_sent: int
    stream: StreamClient
    done: SessionDone
    record: dict[str, Any]
    stored_events: list[dict[str, Any]]

    @property
    def attempts(self) -> Counter[str]:
        """The attempts that did not count, by reason."""
        return Counter(
            event["payload"]["reason"]
            for event in self.stored_events
            if event["type"] == "event_interrupted"
        )

    def faults(self, expected_count: int | None) -> list[str]:
        """The disagreements between all counts, as sentences.

        `expected_count` is the number of performed repetitions, if known.
        """
        stream, done, record = self.stream, self.done, self.record
        stored_ids = [event["event_id"] for event in self.stored_events]
        streamed_ids = [event.event_id for event in stream.events]
        counted = Counter(
            event["payload"]["event_key"]
            for event in self.stored_events
            if event["type"] == "event_completed"
        )
        faults = []
        if expected_count not in (None, counted.total()):
            faults.append(
                f"{counted.total()} repetitions were counted, {expected_count} performed."
            )
        seen_ids = stored_ids[: len(streamed_ids)] if stream.has_missed_the_end else stored_ids
        if streamed_ids != seen_ids:
            faults.append(
                f"The stream gave {len(streamed_ids)} events, the API has {len(stored_ids)}: "
                "they are not the same."
            )
        if not done.status == record["status"] == "completed":
            faults.append(f"The stream ended {done.status}, the record is {record['status']}.")
        accepted = done.accepted_frames_total
        if not accepted == record["accepted_frames_total"] == self.frames_sent:
            faults.append(
                f"{self.frames_sent} frames were sent; the stream accepted {accepted}, the record "
                f"says {record['accepted_frames_total']}."
            )
        if counted != record["repetitions"] or done.repetitions not in (None, counted):
            faults.append(
                f"The API has the events of {dict(counted)}; the stream counted "
                f"{done.repetitions}, the record says {record['repetitions']}."
            )
        if done.summary is not None and done.summary != record["summary"]:
            faults.append("The summary of the stream is not the record's.")
        if stream.rejections and accepted != self.frames_sent:
            faults.append(rejected(stream.rejections, stream.rejection_details))
        return faults


def run_session(
    api: RestClient,
    moments: Iterable[Moment],
    *,
    project_id: str,
    mode: Literal["live", "replay"],
    reference: dict[str, str],
    listener: StreamListener,
    batch_frames: int,
    speed: float | None,
) -> SessionRun:
    """Stream `moments` to a new session, `speed` times as fast as recorded.

    Without a `speed` they go as fast as they are acknowledged. A session that can't be finished is
    cancelled. Raises what RestClient and StreamClient raise.
    """
    session = api.create_session(project_id=project_id, mode=mode, **reference)
    session_id = session["session_id"]
    try:
        with StreamClient(
            session["stream_url"], session["runtime_token"], listener=listener
        ) as stream:
            stream.attach()
            began, first_ms, frames_sent = time.monotonic(), None, 0
            for poses, clock_ms in batches_of(moments, batch_frames):
                if first_ms is None:
                    first_ms = poses[0].timestamp_ms  # no clock comes before a pose
                if speed is not None:
                    now_ms = poses[-1].timestamp_ms if clock_ms is None else clock_ms
                    stream.wait(began + (now_ms - first_ms) / 1000 / speed - time.monotonic())
                stream.send(poses, clock_ms)
                frames_sent += len(poses)
            done = stream.finalize()
    except BaseException:
        with suppress(RequestFailedError):
            api.cancel(session_id)
        raise
    return SessionRun(
        frames_sent=frames_sent,
        stream=stream,
        done=done,
        record=api.session(session_id),
        stored_events=api.events(session_id),
    )


def waiting(seconds: float, why: str) -> str:
    return f"Waiting for {seconds:.0f} s, then trying again: {why}"


def rejected(rejections: Mapping[str, int], details: Mapping[str, str]) -> str:
    """`3 frames were rejected: 2 too_many_frames, 1 malformed_frame (frame_seq is required).`"""
    frames = sum(rejections.values())
    were = "1 frame was" if frames == 1 else f"{frames} frames were"
    shown = {reason: f" ({detail})" for reason, detail in details.items()}
    reasons = ", ".join(
        f"{count} {name}{shown.get(name, '')}" for name, count in rejections.items()
    )
    return f"{were} rejected: {reasons}."


def attempts(reasons: Mapping[str, int]) -> str:
    """`2 attempts did not count: 1 not_reached, 1 pose_lost.`"""
    total = sum(reasons.values())
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{total} {'attempt' if total == 1 else 'attempts'} did not count: {counts}."


class StatusLines(StreamListener):
    """Prints what the stream tells besides events to `file`. `on_event` prints an event."""

    def __init__(self, *, on_event: Callable[[Event], object] | None, file: TextIO) -> None:
        self._on_event = on_event
        self._file = file
        self._is_awaited = False

    def events_came(self, events: list[Event]) -> None:
        if self._on_event is not None:
            for event in events:
                self._on_event(event)

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        if rejections := ack.rejections():
            self._say(rejected(rejections, ack.details()))

    def readiness_changed(self, readiness: Readiness) -> None:
        if readiness.state == "positioning" and readiness.missing:
            self._is_awaited = True
            self._say(f"Nothing counts yet, for want of: {', '.join(readiness.missing)}.")
        elif readiness.state == "ready" and self._is_awaited:
            self._is_awaited = False
            self._say("Ready: it counts.")

    def connection_lost(self, why: str) -> None:
        self._say(f"The connection was lost ({why}): attaching again.")

    def asked_to_wait(self, seconds: float, why: str) -> None:
        self._say(waiting(seconds, why))

    def _say(self, line: str) -> None:
        print(line, file=self._file, flush=True)
