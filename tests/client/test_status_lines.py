from io import StringIO

from clients.python.session_run import StatusLines
from clients.python.wire import FrameAck, Readiness, RejectedFrame


def test_it_prints_what_is_rejected_missing_and_lost() -> None:
    file = StringIO()
    lines = StatusLines(on_event=None, file=file)
    lines.batch_acknowledged(FrameAck(1, 15, 15, []), 15)
    sent_again = [RejectedFrame(0, "frame_seq_not_increasing")]
    lines.batch_acknowledged(FrameAck(2, 0, 15, [0], sent_again), 1)
    rejected = [
        RejectedFrame(0, "image_landmarks", "the hips are elsewhere"),
        RejectedFrame(1, "image_landmarks", "and again"),
    ]
    lines.batch_acknowledged(FrameAck(3, 0, 15, [0, 1], rejected), 2)
    for readiness in (
        Readiness("no_person", []),
        Readiness("positioning", ["left_heel", "view"]),
        Readiness("ready", []),
        Readiness("ready", []),
    ):
        lines.readiness_changed(readiness)
    lines.connection_lost("closed with 1012")
    assert file.getvalue().splitlines() == [
        "2 frames were rejected: 2 image_landmarks (the hips are elsewhere).",
        "Nothing counts yet, for want of: left_heel, view.",
        "Ready: it counts.",
        "The connection was lost (closed with 1012): attaching again.",
    ]
