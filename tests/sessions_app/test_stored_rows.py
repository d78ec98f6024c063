"""What a streaming session's row takes, with states of every movement of the catalogue."""

from pathlib import Path

import pytest
from django.db import connection
from lifecycle_scene import Scene

import detection
from clients.python.wire import FrameBatch, encode, wire_frame
from dev.poses.figure import perform
from projects.models import Project
from realtime import messages
from realtime.progress import feed_batch, progress_of
from sessions_app.models import DetectionSession

CATALOGUE = sorted(Path("examples/movespecs").glob("*.yaml"))


@pytest.mark.parametrize("path", CATALOGUE, ids=lambda path: path.stem)
def test_a_state_lies_in_its_row_as_it_is(scene: Scene, path: Path) -> None:
    """Neither compressed nor in a second table: either takes the database's time at each batch."""
    session_id, holder = scene.streaming()
    state = after_24_repetitions(path)
    scene.checkpoint(session_id, holder, 1, 1, packed_state=state)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_column_size(packed_state) - octet_length(packed_state), "
            "pg_column_size(session.*), pg_relation_size(reltoastrelid) "
            "FROM detection_session AS session, pg_class "
            "WHERE session.id = %s AND pg_class.oid = 'detection_session'::regclass",
            [session_id],
        )
        header, row, second_table = cursor.fetchone()
    assert (header, second_table) == (4, 0)
    assert len(state) < 1500
    assert row < 2000


def after_24_repetitions(path: Path) -> bytes:
    spec = detection.compile(path.read_text(encoding="utf-8"))
    progress = progress_of(DetectionSession(project=Project()), spec)
    poses = [
        wire_frame(pose, seq)
        for seq, pose in enumerate(perform(path.stem, repetitions=24, fps=30), 1)
    ]
    for batch_seq, start in enumerate(range(0, len(poses), 300), 1):
        batch = messages.decode(encode(FrameBatch(batch_seq, poses[start : start + 300])))
        assert isinstance(batch, messages.FrameBatch)
        feed_batch(progress, batch)
    return progress.packed_state()
