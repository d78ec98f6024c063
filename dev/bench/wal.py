"""The WAL that one session of 20 minutes writes, by what writes it.

    python -m dev.bench.wal [--sessions 32] [--minutes 20] [--size 15] [--group 4]
                       [--fillfactor 0] [--throwaway]

The figure does the catalogue's squat at 30 frames a second, and each batch of `--size` frames is
stored by the runtime's own statement, of `--group` sessions at a time in random order.
`--fillfactor` is another one of the table of sessions. With `--throwaway` no page is written whole:
what is left are the records. With a server of DATABASE_URL the figures are of all that it does
meanwhile.
"""

import argparse
import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from dev.bench.command import read_options, show
from dev.bench.scene import MOVESPEC, Scene, admit, scene_for_run

FRAMES_PER_SECOND = 30
# The figure's frames, which begin anew where they end.
LOOP_SECONDS = 60
WAL = "SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal"
UPDATES = """
SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'detection_session'
"""


class Batch(NamedTuple):
    """What a batch of the figure has a runtime store."""

    packed_state: bytes
    frames: int
    last_frame_seq: int
    number: int
    events: list[Any]
    events_before: int


def main() -> None:
    options = read_options(__doc__, sessions=32, minutes=20, size=15, group=4, fillfactor=0)
    with scene_for_run(options.throwaway) as (_, scene):
        measure(scene, options)


def batches(minutes: int, size: int) -> Iterator[Batch]:
    """The batches of one session, as the runtime takes them."""
    from msgspec import structs

    import detection
    from clients.python.wire import FrameBatch, encode, wire_frame
    from dev.poses.figure import perform
    from projects.models import Project
    from realtime import messages
    from realtime.attach import progress_of
    from realtime.progress import take
    from sessions_app.models import DetectionSession

    poses = perform("squat", repetitions=LOOP_SECONDS * 2 // 5, fps=FRAMES_PER_SECOND)
    poses = poses[: LOOP_SECONDS * FRAMES_PER_SECOND]
    progress = progress_of(DetectionSession(project=Project()), detection.compile(MOVESPEC))
    progress.longest_ms = float(minutes * 120_000)
    for start in range(0, minutes * 60 * FRAMES_PER_SECOND - size + 1, size):
        frames = []
        for seq in range(start, start + size):
            frame = wire_frame(poses[seq % len(poses)], seq + 1)
            frame = structs.replace(frame, timestamp_ms=round(seq * 1000 / FRAMES_PER_SECOND, 3))
            frames.append(frame)
        batch = messages.decode(encode(FrameBatch(start // size + 1, frames)))
        if not isinstance(batch, messages.FrameBatch):
            raise SystemExit(f"The batch became {batch}.")
        taken = take(progress, batch)
        yield Batch(
            progress.packed_state(),
            taken.accepted,
            progress.last_frame_seq,
            batch.batch_seq,
            taken.events,
            progress.events - len(taken.events),
        )


def measure(scene: Scene, options: argparse.Namespace) -> None:
    from django.db import connection

    from kynaplatform import clock
    from sessions_app.checkpoints import STATEMENT, Checkpoint, parameters

    if options.fillfactor:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE detection_session SET (fillfactor = {options.fillfactor})")
    attached = attach(scene, options.sessions)
    now = clock.now()
    with connection.cursor() as cursor:
        before = told(cursor)
        events = 0
        for batch in batches(options.minutes, options.size):
            at = now + timedelta(seconds=batch.last_frame_seq / FRAMES_PER_SECOND)
            random.shuffle(attached)
            given = [
                Checkpoint(
                    session_id=session_id,
                    attachment_id=attachment_id,
                    number=batch.number,
                    packed_state=batch.packed_state,
                    accepted_frames=batch.frames,
                    rejected_frames=0,
                    last_frame_seq=batch.last_frame_seq,
                    last_batch_seq=batch.number,
                    last_message_at=at,
                    events=batch.events,
                )
                for session_id, attachment_id in attached
            ]
            for start in range(0, len(given), options.group):
                group = given[start : start + options.group]
                cursor.execute(STATEMENT, parameters(group, at))
                if [answer for _, answer in cursor.fetchall()] != ["held"] * len(group):
                    raise SystemExit("A checkpoint was not stored.")
            events += len(batch.events)
        after = told(cursor)
    records, pages, wal, updated, hot = (b - a for a, b in zip(before, after, strict=True))
    show(
        f"{options.minutes} minutes, {options.size} frames, groups of {options.group}",
        checkpoints=batch.number,
        events=events,
        state_bytes=len(batch.packed_state),
        wal_mb_each=wal / 1e6 / options.sessions,
        bytes_a_checkpoint=wal / options.sessions / batch.number,
        records_each=records / options.sessions,
        full_pages=int(pages),
        heap_only_percent=100 * hot / max(1, updated),
    )


def attach(scene: Scene, count: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """So many sessions that stream, each with its attachment."""
    from kynaplatform import clock
    from sessions_app.attachments import session_attach

    now = clock.now()
    attached = []
    for _ in range(count):
        session = admit(scene, now)
        attachment_id = uuid.uuid4()
        session_attach(
            session_id=session.id,
            attachment_id=attachment_id,
            runtime="bench",
            arrived_at=now,
            now=now,
        )
        attached.append((session.id, attachment_id))
    return attached


def told(cursor: Any) -> list[int]:
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute(WAL)
    wal = cursor.fetchone()
    cursor.execute(UPDATES)
    return [int(number) for number in (*wal, *cursor.fetchone())]


if __name__ == "__main__":
    main()
