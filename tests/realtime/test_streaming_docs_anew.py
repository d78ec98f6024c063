"""The two clients of docs/streaming.md, ended without a word and started anew in their session."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rows import session_of
from streaming import create, wire_frame
from test_streaming_docs import code

from local_stack.pytest_plugin import skip_without
from movespecs.models import MoveSpec
from poses.figure import perform
from tests.concurrency.racing import eventually
from tests.conftest import Machine
from tests.server import RuntimeServer

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND = 20, 30
POSES = perform("squat", repetitions=1, fps=30)[: FIRST + SECOND]

PYTHON = """
import sys

session, poses, is_last = json.load(open(sys.argv[1]))


def batches():
    for start in range(0, len(poses), 5):
        time.sleep(0.02)
        yield [pose | {"timestamp_ms": time.time() * 1000} for pose in poses[start : start + 5]]
    if not is_last:
        time.sleep(60)


print(follow(session, batches(), on_event=lambda event: None)["status"])
"""

# What a page has: a camera of 100 frames a second, whose media begin at 0, and a landmarker.
PAGE = """
import {readFileSync} from "node:fs";
const [session, poses, isLast] = JSON.parse(readFileSync(process.argv[2]));
const counter = {textContent: 0};
let shown = 0;
const video = {
  requestVideoFrameCallback(callback) {
    const show = () => callback(performance.now(), {mediaTime: shown++ / 100});
    if (shown < poses.length) setTimeout(show, 10);
    else if (isLast) stream.finalize();
    else setTimeout(() => {}, 60_000);
  },
};
const landmarker = {detectForVideo: () => ({worldLandmarks: [poses[shown - 1]]})};
"""


def program_in_python(folder: Path) -> list[str]:
    path = folder / "client.py"
    path.write_text(code("python", "def follow") + PYTHON)
    return [sys.executable, str(path)]


def program_in_javascript(folder: Path) -> list[str]:
    node = shutil.which("node")
    if node is None:
        skip_without("no node is installed")
        return []
    path = folder / "page.mjs"
    path.write_text(PAGE + code("javascript", "class KynaStream") + code("javascript", "onFrame"))
    return [node, "--experimental-websocket", "--no-warnings", str(path)]


@contextmanager
def started(program: list[str], folder: Path, *given: Any) -> Iterator[subprocess.Popen[str]]:
    path = folder / "given.json"
    path.write_text(json.dumps(given))
    with subprocess.Popen([*program, str(path)], stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("language", ["python", "javascript"])
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
    with started(program, tmp_path, created, poses[:FIRST], False):
        eventually(
            lambda: session_of(created).accepted_frames_total == FIRST, "the first are accepted"
        )
    with started(program, tmp_path, created, poses[FIRST:], True) as again:
        told, errors = again.communicate(timeout=30)
    assert (told, errors) == ("completed\n", "")  # and not a word of a rejection
    session = session_of(created)
    assert (session.accepted_frames_total, session.rejected_frames_total) == (FIRST + SECOND, 0)
    assert session.last_frame_seq == FIRST + SECOND
