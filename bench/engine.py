"""Print what the detection engine costs: frames per second on one core, from decoded frames to
events, the median of nine runs; bytes of memory per session; bytes of a snapshot as JSON.

    python -m bench.engine
"""

import json
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

import detection
from detection import Engine, MoveSpec
from poses.figure import perform

SPECS = Path(__file__).resolve().parents[1] / "examples" / "movespecs"
RUNS = 9
SESSIONS = 200


def largest_spec() -> MoveSpec:
    """16 phases of 8 criteria over every joint and side, 32 steps, 32 cues."""
    joints = ("elbow", "shoulder", "hip", "knee", "ankle", "wrist")
    sides = ("front", "back", "either")
    lines = ["name: large", "version: '1'", "detection:", "  type: repetition", "  movement:"]
    lines += ["    name: large", "    phases:"]
    for phase in range(16):
        lines += [f"      - name: {'p' * 60}{phase:02}", "        criteria:"]
        lines += [
            f"          - {{joint: {joints[(phase + n) % 6]}, side: {sides[n % 3]},"
            f" angle_min: {phase}, angle_max: {phase + 120}}}"
            for n in range(8)
        ]
    steps = ", ".join(f"{'p' * 60}{step % 16:02}" for step in range(32))
    lines += [f"    sequence: [{steps}]", "    feedback:"]
    lines += [
        f"      - {{when: {'p' * 60}{cue % 16:02}, joint: {joints[cue % 6]}, angle_min: 90,"
        f" message: Cue {cue}}}"
        for cue in range(32)
    ]
    return detection.compile("\n".join(lines))


def measure(name: str, spec: MoveSpec, exercise: str) -> str:
    frames = perform(exercise, repetitions=40, fps=30)
    seconds = []
    for _ in range(RUNS):
        engine = Engine(spec)
        begun = time.perf_counter()
        for frame in frames:
            engine.feed(frame)
        seconds.append(time.perf_counter() - begun)
    snapshot = len(json.dumps(engine.snapshot(), separators=(",", ":")))
    tracemalloc.start()
    engines = [Engine(spec) for _ in range(SESSIONS)]
    for engine in engines:
        for frame in frames[:60]:
            engine.feed(frame)
    memory = tracemalloc.get_traced_memory()[0] / SESSIONS
    tracemalloc.stop()
    rate = len(frames) / statistics.median(seconds)
    return f"{name:16} {rate:10,.0f} {memory / 1024:15.1f} {snapshot:14}"


def main() -> int:
    lines = [f"{'MoveSpec':16} {'frames/s':>10} {'KiB per session':>15} {'snapshot bytes':>14}"]
    for path in sorted(SPECS.glob("*.yaml")):
        spec = detection.compile(path.read_text(encoding="utf-8"))
        lines.append(measure(path.stem, spec, path.stem))
    lines.append(measure("largest legal", largest_spec(), "lunge"))
    print("\n".join(lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
