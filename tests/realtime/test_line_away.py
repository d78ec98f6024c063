"""A phone without a line, with the package for browsers: for a minute, and for longer."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from rows import await_detached, session_of, stored_events, told_events, turn_clock_on
from streaming import create

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import Machine
from tests.node import IMPORTS, built_clients, node
from tests.server import RuntimeServer
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=4, fps=30)
BEFORE = 60
# Poses go on while it is away. It says so once the line was lost, and how it went.
JAVASCRIPT = f"""
{IMPORTS}
const [session, poses, before] = JSON.parse(readFileSync(process.argv[2]));
let attempts = 0;
class Counted extends WebSocket {{
  constructor(...given) {{
    super(...given);
    attempts += 1;
  }}
}}
const events = [];
const stream = createStream(session, {{
  WebSocket: Counted,
  onEvent: (event) => events.push(event),
  onState: (state) => state === "waiting" && console.log(state),
}});
for (const [index, [timestampMs, landmarks]] of poses.entries()) {{
  stream.add({{timestampMs, landmarks}});
  await pause(index < before ? 5 : 2);
}}
const end = await stream.finalize();
const untilThen = attempts;
await pause(3_500); // longer than any wait before another attach
const {{droppedFrames, attaches}} = stream;
const retried = attempts - untilThen;
console.log(JSON.stringify({{end, events, droppedFrames, attaches, retried}}));
"""


@contextmanager
def streaming(folder: Path, created: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    built_clients()
    (folder / "page.mjs").write_text(JAVASCRIPT)
    poses = [[pose.timestamp_ms, [point._asdict() for point in pose.landmarks]] for pose in POSES]
    (folder / "given.json").write_text(json.dumps([created, poses, BEFORE]))
    with subprocess.Popen(
        [node(), "page.mjs", "given.json"], cwd=folder, stdout=-1, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def went_after(
    seconds: float, way: CuttingProxy, created: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """How a session went whose line was away for so long."""
    with streaming(folder, created) as process:
        eventually(
            lambda: session_of(created).accepted_frames_total >= BEFORE / 2, "some poses are there"
        )
        way.go_away()
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        await_detached(created)
        turn_clock_on(created, seconds)
        way.is_away = False
        *_, last = process.communicate(timeout=60)[0].splitlines()
    went: dict[str, Any] = json.loads(last)
    return went


@pytest.fixture
def way(runtime: RuntimeServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(runtime.port) as proxy:
        yield proxy


@pytest.mark.long
def test_away_for_a_minute_it_goes_on_and_every_pose_counts(
    owner: Machine, squat: MoveSpec, way: CuttingProxy, tmp_path: Path
) -> None:
    created = create(owner, squat, f"ws://127.0.0.1:{way.port}/api/detection/stream")
    went = went_after(60, way, created, tmp_path)
    session = session_of(created)
    assert (session.status, session.accepted_frames_total) == ("completed", len(POSES))
    assert went["end"]["acceptedFrames"] == len(POSES)
    assert went["end"]["repetitions"] == {"squat": 4}
    assert (went["droppedFrames"], went["attaches"], went["retried"]) == (0, 2, 0)
    assert told_events(went["events"]) == stored_events(created)


@pytest.mark.long
def test_away_for_longer_it_is_told_that_the_session_has_ended(
    owner: Machine, squat: MoveSpec, way: CuttingProxy, tmp_path: Path
) -> None:
    created = create(owner, squat, f"ws://127.0.0.1:{way.port}/api/detection/stream")
    went = went_after(150, way, created, tmp_path)
    session = session_of(created)
    assert (session.status, session.terminal_outcome) == ("failed", "abandoned")
    assert went["end"] == {
        "status": "failed",
        "outcome": "abandoned",
        "acceptedFrames": session.accepted_frames_total,
        "repetitions": None,
        "interrupted": None,
        "error": None,
        "summary": None,
        "quality": None,
        "missedEvents": True,
    }
    assert (went["attaches"], went["retried"]) == (1, 0)
