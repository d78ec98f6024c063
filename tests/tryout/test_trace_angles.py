"""The angle of the page's trace is that of the engine."""

import json
import subprocess

import pytest

from detection import Engine, PoseFrame, compile  # noqa: A004 - as detection calls it
from movespecs.catalogue import catalogue_text
from poses.figure import perform
from tests.node import built_clients, node
from tryout.movements import movements

# The engine rounds angles, metres and sums, the page nothing. Of a joint that points at the camera
# that came to 0.008 degrees; a pixel of the trace is more than one.
TOLERANCE_DEGREES = 0.05
MEASURE = """
import {readFileSync} from "node:fs";
import {AngleMeter} from "./build/src/angles.js";
const {angle, moments} = JSON.parse(readFileSync(0));
const meter = new AngleMeter(angle);
console.log(JSON.stringify(moments.map((moment) => meter.feed(moment))));
"""


def moment_of(frame: PoseFrame) -> dict[str, object]:
    return {
        "timestampMs": frame.timestamp_ms,
        "landmarks": [one._asdict() for one in frame.landmarks],
    }


@pytest.fixture(scope="module")
def meter() -> list[str]:
    """The command that measures an angle of moments."""
    page = built_clients() / "try"
    subprocess.run(["npx", "tsc", "--project", "tests"], cwd=page, check=True)
    return [node(), "--input-type=module", "--eval", MEASURE]


@pytest.mark.parametrize("movement", movements(), ids=lambda movement: movement["slug"])
def test_the_angle_that_carries_a_movement_is_the_engines(movement, meter) -> None:
    angle = movement["angles"][0]
    # Half a second of every five is missing.
    frames = perform(movement["slug"], repetitions=6, fps=30)
    frames = [frame for number, frame in enumerate(frames) if number % 150 < 135]
    engine = Engine(compile(catalogue_text(movement["slug"])))
    expected = []
    for frame in frames:
        engine.feed(frame)
        expected.append(engine.angles()[angle["label"], "pair"])
    done = subprocess.run(
        meter,
        input=json.dumps({"angle": angle, "moments": [moment_of(frame) for frame in frames]}),
        cwd=built_clients() / "try",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pytest.approx(expected, abs=TOLERANCE_DEGREES)
    assert max(expected) - min(expected) > 60
