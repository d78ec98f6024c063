from io import StringIO
from typing import Final

from clients.python.status_lines import ProgressBar
from clients.python.wire import Event, FrameAck, HoldProgress, Readiness, RejectedFrame
from dev.replay.event_lines import EventLines

ENTERED = Event("1", "s", 1500, "shape_enter", {"shape_key": "bottom", "confidence": 1.0})
REPEATED: Final = "frame_seq_not_increasing"
REJECTED = "2 frames were rejected: 2 image_landmarks (the hips are elsewhere).\n"
LINE = "   1.50 s  enter           bottom, confidence 1.00"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def show(bar_file: StringIO) -> list[str]:
    """What is said while 15 of 60 frames are acknowledged, and an event comes."""
    said: list[str] = []
    lines = EventLines()
    with ProgressBar(
        60, on_event=lambda event: said.append(lines.line(event)), bar_file=bar_file
    ) as progress:
        progress.batch_acknowledged(FrameAck(1, 15, 15, []), 15)
        progress.batch_acknowledged(FrameAck(2, 0, 15, [0], [RejectedFrame(0, REPEATED)]), 1)
        rejected = [
            RejectedFrame(0, "image_landmarks", "the hips are elsewhere"),
            RejectedFrame(1, "image_landmarks", "and again"),
        ]
        progress.batch_acknowledged(FrameAck(3, 0, 15, [0, 1], rejected), 2)
        progress.events_came([ENTERED])
        progress.ack_is_late(3.0)
        progress.connection_lost("closed with 1012")
    return said


def test_a_terminal_shows_how_many_frames_are_acknowledged() -> None:
    terminal = Terminal()
    assert show(terminal) == [LINE]
    shown = terminal.getvalue()
    assert " 18/60 " in shown
    assert REJECTED in shown
    assert "The connection was lost (closed with 1012): attaching again.\n" in shown


def test_what_is_missing_is_told_until_it_counts_and_a_hold_as_it_goes_on() -> None:
    terminal = Terminal()
    with ProgressBar(60, on_event=None, bar_file=terminal) as progress:
        progress.readiness_changed(Readiness("no_person", []))
        progress.readiness_changed(Readiness("positioning", ["left_heel", "view"]))
        progress.readiness_changed(Readiness("ready", []))
        progress.readiness_changed(Readiness("ready", []))
        progress.hold_followed(HoldProgress("plank", 12_340))
    shown = terminal.getvalue()
    assert "Nothing counts yet, for want of: left_heel, view.\n" in shown
    assert shown.count("Ready: it counts.\n") == 1
    assert "held 12.3 s" in shown
