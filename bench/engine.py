"""The cost of the detection engine: microseconds a frame on one core, from decoded frames to
events, the median of nine runs; KiB of memory per session; bytes of a snapshot as MessagePack, and
microseconds to take one. The build that runs is said first.

    python -m bench.engine
    COMPILED_ENGINE=none python -m bench.engine
"""

import statistics
import time
import tracemalloc
from pathlib import Path

import msgspec

import detection
from bench.command import show
from detection import ENGINE_BUILD, Engine, MoveSpec
from poses.figure import perform

SPECS = Path(__file__).resolve().parents[1] / "examples" / "movespecs"
RUNS = 9
SESSIONS = 200
SNAPSHOTS = 2000


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


def measure(name: str, spec: MoveSpec, exercise: str) -> None:
    frames = perform(exercise, repetitions=40, fps=30)
    seconds = []
    for _ in range(RUNS):
        engine = Engine(spec)
        begun = time.perf_counter()
        for frame in frames:
            engine.feed(frame)
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    for _ in range(SNAPSHOTS):
        snapshot = msgspec.msgpack.encode(engine.snapshot())
    taken = (time.perf_counter() - begun) / SNAPSHOTS
    tracemalloc.start()
    engines = [Engine(spec) for _ in range(SESSIONS)]
    for engine in engines:
        for frame in frames[:60]:
            engine.feed(frame)
    memory = tracemalloc.get_traced_memory()[0] / SESSIONS
    tracemalloc.stop()
    show(
        name,
        us_a_frame=statistics.median(seconds) / len(frames) * 1e6,
        kib_a_session=memory / 1024,
        snapshot_bytes=len(snapshot),
        us_a_snapshot=taken * 1e6,
    )


def main() -> None:
    show(f"build: {ENGINE_BUILD.name}")
    for path in sorted(SPECS.glob("*.yaml")):
        measure(path.stem, detection.compile(path.read_text(encoding="utf-8")), path.stem)
    measure("largest legal", largest_spec(), "lunge")


if __name__ == "__main__":
    main()
