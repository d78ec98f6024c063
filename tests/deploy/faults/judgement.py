"""What is wrong in the end, as sentences, from what the database holds and what clients heard."""

from collections.abc import Iterator
from typing import Any

import psycopg

from clients.python.rest import RestClient
from tests.deploy.faults.film import BATCH_FRAMES, FPS, Event, Film, events_of
from tests.deploy.faults.stage import Stage, StageFailedError
from tests.deploy.faults.streams import Streaming
from tests.deploy.faults.traffic import Traffic

# A worker sweeps every 5 s.
SWEPT_SECONDS = 60.0
# The engine of the last release may see an event some frames earlier or later.
UPGRADED_MS = 3 * 1000 / FPS
SAME_IN_BOTH = ("shape_key", "event_key", "message", "reason", "side", "number")


def wrong_sessions(
    streams: list[Streaming], film: Film, api: RestClient, url: str, *, is_upgraded: bool
) -> list[str]:
    """Of every session that streamed: it completed, with each frame counted once.

    Where the last release has counted a part, of its events only what they are is compared, and
    when.
    """
    with psycopg.connect(url) as database:
        return [
            f"Session {one.session_id}: {fault}"
            for one in streams
            for fault in wrong_session(one, film, api, database, is_upgraded=is_upgraded)
        ]


def wrong_session(
    stream: Streaming,
    film: Film,
    api: RestClient,
    database: "psycopg.Connection[Any]",
    *,
    is_upgraded: bool,
) -> Iterator[str]:
    if stream.failure is not None:
        yield f"its client gave up: {stream.failure}"
    assert film.batches is not None
    frames = film.batches * BATCH_FRAMES
    expected = events_of(film.movespec, stream.figure, film.batches)
    row = database.execute(
        "SELECT status, terminal_outcome, error_code, accepted_frames_total, last_frame_seq,"
        " events_total FROM detection_session WHERE id = %s",
        [stream.session_id],
    ).fetchone()
    if row != (wanted := ("completed", "completed", None, frames, frames, len(expected))):
        yield f"the database has {row}, not {wanted}"
    stored = database.execute(
        "SELECT type, ts_ms, payload FROM detection_event WHERE session_id = %s ORDER BY sequence",
        [stream.session_id],
    ).fetchall()
    if not (are_alike(stored, expected) if is_upgraded else stored == expected):
        yield f"of {len(stored)} events not all are those of {frames} frames: {len(expected)}"
    client = stream.client
    if len(stream.acknowledged_at) != film.batches:
        yield f"{len(stream.acknowledged_at)} batches of {film.batches} were acknowledged"
    if client.rejections:
        yield f"frames were rejected: {dict(client.rejections)}"
    if client.done is None or client.done.accepted_frames_total != frames:
        yield f"the client was told of its end as {client.done}, of {frames} frames"
    told = [(each.event_id, each.type, each.ts_ms, each.payload) for each in client.events]
    answered = [
        (each["event_id"], each["type"], each["ts_ms"], each["payload"])
        for each in api.events(stream.session_id)
    ]
    if client.has_missed_the_end:
        answered = answered[: len(told)]
    if told != answered:
        yield f"its client heard {len(told)} events, and not those that the API answers"


def are_alike(stored: list[Event], expected: list[Event]) -> bool:
    return len(stored) == len(expected) and all(map(_is_like, stored, expected))


def _is_like(stored: Event, expected: Event) -> bool:
    """Whether they are the same but for what the last release does not tell."""
    (type_, ts_ms, payload), (wanted, wanted_ms, wanted_payload) = stored, expected
    told = [name for name in SAME_IN_BOTH if name in payload]
    return (
        type_ == wanted
        and abs(ts_ms - wanted_ms) <= UPGRADED_MS
        and all(payload[name] == wanted_payload.get(name) for name in told)
    )


def wrong_creates(traffic: Traffic, url: str) -> list[str]:
    """Of every key, once all are answered: its session exists, and no other."""
    with psycopg.connect(url) as database:
        rows = database.execute(
            "SELECT idempotency_key, id::text FROM detection_session"
        ).fetchall()
    wrong = list(traffic.wrong)
    existing: dict[str | None, list[str]] = {key: [] for key in traffic.creates}
    for key, session_id in rows:
        existing.setdefault(key, []).append(session_id)
    for key, session_ids in existing.items():
        answered = traffic.creates.get(key or "")
        if session_ids != [answered]:
            wrong.append(f"The create {key} was answered {answered}; {session_ids} exist")
    return wrong


def wrong_sweep(stage: Stage) -> list[str]:
    """What nobody attached to is ended by the worker, at its pace."""
    overdue = "SELECT count(*) FROM detection_session WHERE deadline_at < %s"
    with psycopg.connect(stage.database.url, autocommit=True) as database:
        [now] = database.execute("SELECT now()").fetchone() or [None]

        def is_swept() -> bool:
            return database.execute(overdue, [now]).fetchone() == (0,)

        try:
            stage.wait_until(is_swept, SWEPT_SECONDS, "what is overdue is swept")
        except StageFailedError as fault:
            return [str(fault)]
        ended = database.execute(
            "SELECT count(*) FROM detection_session"
            " WHERE (status, terminal_outcome) = ('cancelled', 'expired')"
        ).fetchone()
    return [] if ended != (0,) else ["The worker has ended none of those nobody attached to."]
