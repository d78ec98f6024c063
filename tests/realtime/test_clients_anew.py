"""The client of docs/streaming.md and that in JavaScript: started anew, and left by a person."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rows import session_of, stored_events
from streaming import create, wire_frame
from test_streaming_docs import client_in_python

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.long_runs import at_length
from tests.node import IMPORTS, built_clients, node
from tests.server import RuntimeServer
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND = 20, 30
POSES = perform("squat", repetitions=1, fps=30)[: FIRST + SECOND]

PYTHON = """
import sys

session, poses, is_last, _ = json.load(open(sys.argv[1]))


def batches():
    for start in range(0, len(poses), 5):
        time.sleep(0.02)
        yield [pose | {"timestamp_ms": time.time() * 1000} for pose in poses[start : start + 5]]
    if not is_last:
        time.sleep(60)


print(follow(session, batches(), on_event=lambda event: None)["status"])
"""

JAVASCRIPT = f"""
{IMPORTS}
const [session, poses, isLast, frameMs] = JSON.parse(readFileSync(process.argv[2]));
const onRejected = (reason) => console.error(reason);
const stream = createStream(session, {{WebSocket, onRejected}});
const beganMs = Date.now();
for (const [index, landmarks] of poses.entries()) {{
  stream.add({{timestampMs: beganMs + index * frameMs, landmarks}});
  await stream.ready;
}}
if (!isLast) await pause(60_000);
console.log((await stream.finalize()).status);
"""


def program_in_python(folder: Path) -> list[str]:
    path = folder / "client.py"
    path.write_text(client_in_python() + PYTHON)
    return [sys.executable, str(path)]


def program_in_javascript(folder: Path) -> list[str]:
    built_clients()
    path = folder / "page.mjs"
    path.write_text(JAVASCRIPT)
    return [node(), str(path)]


@contextmanager
def started(program: list[str], folder: Path, *given: Any) -> Iterator[subprocess.Popen[str]]:
    path = folder / "given.json"
    path.write_text(json.dumps(given))
    with subprocess.Popen([*program, str(path)], stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@at_length("language", "python", "javascript")
def test_a_client_that_is_started_anew_has_every_frame_accepted(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, tmp_path: Path, language: str
) -> None:
    created = create(owner, squat, runtime.url)
    if language == "python":
        program = program_in_python(tmp_path)
        poses: list[Any] = [wire_frame(pose, 0) for pose in POSES]
        for pose in poses:
            del pose["frame_seq"]
    else:
        program = program_in_javascript(tmp_path)
        poses = [[point._asdict() for point in pose.landmarks] for pose in POSES]
    with started(program, tmp_path, created, poses[:FIRST], False, 10):
        eventually(
            lambda: session_of(created).accepted_frames_total == FIRST, "the first are accepted"
        )
    with started(program, tmp_path, created, poses[FIRST:], True, 10) as again:
        told, errors = again.communicate(timeout=30)
    assert (told, errors) == ("completed\n", "")  # and not a word of a rejection
    session = session_of(created)
    assert (session.accepted_frames_total, session.rejected_frames_total) == (FIRST + SECOND, 0)
    assert session.last_frame_seq == FIRST + SECOND


# Twenty frames a second, as fast as they are taken: all of them, and nobody for 3 s.
LEFT = """
import sys

session, poses, *_ = json.load(open(sys.argv[1]))
shown = [*poses, *[None] * 60]
camera = ((50 * number, pose) for number, pose in enumerate(shown))
print(follow(session, batched(camera), on_event=lambda event: None)["status"])
"""


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_client_whose_person_leaves_midway_tells_of_it(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, tmp_path: Path, language: str
) -> None:
    created = create(owner, squat, runtime.url)
    midway = perform("squat", repetitions=1, fps=20)[:52]
    if language == "python":
        path = tmp_path / "client.py"
        path.write_text(client_in_python() + LEFT)
        program = [sys.executable, str(path)]
        poses: list[Any] = [wire_frame(pose, 0)["landmarks"] for pose in midway]
    else:
        program = program_in_javascript(tmp_path)
        poses = [[point._asdict() for point in pose.landmarks] for pose in midway]
        poses += [None] * 60
    with started(program, tmp_path, created, poses, True, 50) as client:
        told, errors = client.communicate(timeout=30)
    assert (told, errors) == ("completed\n", "")
    assert session_of(created).accepted_frames_total == len(midway)
    (kind, began_ms, _), *_, left, interrupted = stored_events(created)
    assert (left[0], interrupted[0]) == ("shape_exit", "event_interrupted")
    assert interrupted[2]["reason"] == "pose_lost"
    # The phase that held from the beginning is entered at the second frame.
    assert (kind, left[1]) == ("shape_enter", interrupted[1])
    assert interrupted[1] - began_ms == pytest.approx(50 * (51 - 1) + 2000, abs=0.01)
