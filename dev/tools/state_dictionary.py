"""`python -m dev.tools.state_dictionary FILE`: a dictionary of zstd, trained on what streams store.

It writes FILE. Trained on are the states of the catalogue's MoveSpecs after each batch of 15
frames, while the figure does their movements at 30 frames a second. What was stored is read by the
dictionary that packed it, so a new one is a file beside the others (sessions_app/stream_state.py).
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT, fill

FRAMES_PER_SECOND = 30
BATCH = 15
REPETITIONS = 12
MAX_BYTES = 16384


def main() -> None:
    [file] = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    fill(os.environ)
    import django

    django.setup()
    from sessions_app import stream_state

    catalogue = sorted((PROJECT / "examples" / "movespecs").glob("*.yaml"))
    samples = [state for movespec in catalogue for state in states(movespec)]
    trained = stream_state.zstd.train_dict(samples, MAX_BYTES)
    Path(file).write_bytes(trained.dict_content)
    say(f"{file}: {len(trained.dict_content)} bytes")


def states(movespec: Path) -> Iterator[bytes]:
    """The states of one session of a MoveSpec, as JSON."""
    import detection
    from clients.python.wire import FrameBatch, encode, wire_frame
    from dev.poses.figure import perform
    from projects.models import Project
    from realtime import messages
    from realtime.progress import feed_batch, progress_of
    from sessions_app.models import DetectionSession
    from sessions_app.stream_state import as_json, unpack

    spec = detection.compile(movespec.read_text(encoding="utf-8"))
    progress = progress_of(DetectionSession(project=Project()), spec)
    poses = perform(movespec.stem, repetitions=REPETITIONS, fps=FRAMES_PER_SECOND)
    frames = [wire_frame(pose, seq) for seq, pose in enumerate(poses, 1)]
    for number, start in enumerate(range(0, len(frames), BATCH), 1):
        batch = messages.decode(encode(FrameBatch(number, frames[start : start + BATCH])))
        if not isinstance(batch, messages.FrameBatch):
            raise SystemExit(f"The batch became {batch}.")
        feed_batch(progress, batch)
        yield as_json(unpack(progress.packed_state()))


if __name__ == "__main__":
    main()
