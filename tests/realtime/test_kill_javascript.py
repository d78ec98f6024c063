"""Runtimes killed at random moments under 50 streams of the package for browsers, in Node."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rows import create_many, stored_events, told_events
from supervisor import Supervisor

from detection import PoseFrame
from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, Machine
from tests.node import WEB, built_clients, node

pytestmark = pytest.mark.django_db(transaction=True)

SESSION_COUNT = 20
KILL_COUNT = 3
FIGURES = 5
FIGURE = "squat"


def sent(frames: list[PoseFrame]) -> list[list[Any]]:
    return [[frame.timestamp_ms, [list(point) for point in frame.landmarks]] for frame in frames]


def streamed(
    folder: Path, created: list[dict[str, Any]], supervisor: Supervisor, kills: dict[int, int]
) -> list[dict[str, Any]]:
    """How each session went; once so many hundredths are acknowledged, a runtime is killed."""
    figures = [
        sent(perform(FIGURE, repetitions=3, fps=30, seed=number)) for number in range(FIGURES)
    ]
    runs = [{"session": one, "figure": number % FIGURES} for number, one in enumerate(created)]
    given = folder / "runs.json"
    given.write_text(json.dumps({"runs": runs, "figures": figures}))
    left = dict(kills)
    with subprocess.Popen(
        [node(), "tests/drive_many.mjs", str(given)], cwd=WEB, stdout=-1, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("["):
                    assert left == {}
                    return list(json.loads(line))
                if (number := left.pop(int(line), None)) is not None:
                    supervisor.kill(number)
        finally:
            process.kill()
    raise AssertionError("It ended without a word.")


@pytest.mark.long
def test_sessions_complete_as_if_undisturbed_when_runtimes_are_killed(
    owner: Machine, squat: MoveSpec, supervisor: Supervisor, tmp_path: Path
) -> None:
    built_clients()
    chance = random.Random(21)  # noqa: S311
    first, second = supervisor.stream_urls

    undisturbed = create_many(owner, squat, first, FIGURES)
    for went in streamed(tmp_path, undisturbed, supervisor, {}):
        assert (went["attaches"], went["dropped"], went["rejected"]) == (1, 0, [])
    expected = [stored_events(created) for created in undisturbed]

    half = SESSION_COUNT // 2
    created = create_many(owner, squat, first, half) + create_many(owner, squat, second, half)
    kills = {moment: chance.randrange(2) for moment in chance.sample(range(5, 95), KILL_COUNT)}
    sessions = streamed(tmp_path, created, supervisor, kills)
    attaches = sum(went["attaches"] for went in sessions)
    print(f"{KILL_COUNT} kills, {attaches} attaches")  # noqa: T201
    assert attaches > SESSION_COUNT + KILL_COUNT
    for number, (one, went) in enumerate(zip(created, sessions, strict=True)):
        frames = len(perform(FIGURE, repetitions=3, fps=30, seed=number % FIGURES))
        session = DetectionSession.objects.get(id=one["session_id"])
        assert (session.status, session.terminal_outcome) == ("completed", "completed")
        assert session.accepted_frames_total == session.last_frame_seq == frames
        rows = stored_events(one)
        assert rows == expected[number % FIGURES]
        assert (went["dropped"], went["rejected"]) == (0, [])
        end = went["end"]
        assert (end["status"], end["acceptedFrames"]) == ("completed", frames)
        # Told in order; only the last ones, of the finish, may have been lost with a socket.
        told = told_events(went["events"])
        assert told == (rows[: len(told)] if end["missedEvents"] else rows)
        events = owner.get(f"{SESSIONS}/{one['session_id']}/events?limit=500").json()
        assert {type(event.pop("isLate")) for event in went["events"]} == {bool}
        assert went["events"] == events[: len(told)]
