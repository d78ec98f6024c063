"""The cost of the detection engine: microseconds a frame on one core, from decoded frames to
events, the median of nine runs; KiB of memory per session; bytes of a snapshot as MessagePack, and
microseconds to take one. The build that runs is said first.

    python -m dev.bench.engine
    COMPILED_ENGINE=none python -m dev.bench.engine
"""

import statistics
import time
import tracemalloc
from pathlib import Path

import msgspec

import detection
from detection import ENGINE_BUILD, Engine, MoveSpec
from dev.bench.command import show
from dev.poses.figure import perform

SPECS = Path(__file__).resolve().parents[2] / "examples" / "movespecs"
RUNS = 9
SESSIONS = 200
SNAPSHOTS = 2000


JOINTS = ("elbow", "shoulder", "hip", "knee", "ankle", "wrist")
SIDES = ("front", "back", "either")
# Of the longest name.
PHASES = [f"{'p' * 62}{phase:02}" for phase in range(16)]


def head(type_: str) -> list[str]:
    """A MoveSpec down to its movement: 16 parameters, and a setup of 8 criteria."""
    names = (f"p{number}: {{default: {number}, min: 0, max: 20}}" for number in range(16))
    start = (f"{{joint: {JOINTS[n % 6]}, side: {SIDES[n % 3]}, max: {180 - n}}}" for n in range(8))
    return [
        "name: large",
        "version: '1'",
        "detection:",
        f"  type: {type_}",
        f"  parameters: {{{', '.join(names)}}}",
        f"  setup: {{visible: full_body, view: any, start: [{', '.join(start)}]}}",
        "  movement:",
        f"    name: large-{type_}",
    ]


def around(phases: list[str]) -> list[str]:
    """What stands beside the phases: 8 conditions, 16 checks, 32 cues, of all kinds."""
    lines = ["    throughout:"]
    lines += [f"      - {{joint: {JOINTS[n % 6]}, side: either, max: {180 - n}}}" for n in range(8)]
    lines += ["    checks:"]
    lines += [
        f"      - {{name: check {n}, joint: {JOINTS[n % 6]}, side: {SIDES[n % 3]},"
        f" least: {{max: 90}}{f', when: {phases[n % len(phases)]}' if n % 4 else ''}}}"
        for n in range(16)
    ]
    lines += ["    feedback:"]
    for n in range(32):
        of = f"joint: {JOINTS[n % 6]}, side: {SIDES[n % 3]}, "
        bound = ("min: 90", "most: {min: 90}")[n % 2]
        when = f"when: {phases[n % len(phases)]}, {of}{bound}"
        if n >= 29:
            when = f"when: {('completed', 'interrupted', 'not_ready')[n - 29]}"
        lines += [f"      - {{{when}, every: 2, min_gap_ms: 1000, key: cue_{n}, message: Cue {n}}}"]
    return lines


def largest_spec() -> MoveSpec:
    """16 phases of 8 criteria over every joint and side, 32 steps, and all that may stand beside
    them."""
    lines = [*head("repetition"), "    phases:"]
    for phase, name in enumerate(PHASES):
        lines += [f"      - name: {name}", "        criteria:"]
        lines += [
            f"          - {{joint: {JOINTS[(phase + n) % 6]}, side: {SIDES[n % 3]},"
            f" min: $p{phase}, max: {phase + 165}}}"
            for n in range(8)
        ]
    steps = (
        f"{{phase: {PHASES[step % 16]}, hold_ms: 100, optional: {str(step % 4 == 3).lower()}}}"
        if 0 < step < 31
        else PHASES[step % 16]
        for step in range(32)
    )
    lines += [f"    sequence: [{', '.join(steps)}]", *around(PHASES)]
    return detection.compile("\n".join(lines))


def largest_hold() -> MoveSpec:
    """One phase of 8 criteria, and all that may stand beside it."""
    lines = [*head("hold"), "    target_ms: 600000", "    phases:"]
    lines += [f"      - name: {PHASES[0]}", "        criteria:"]
    lines += [
        f"          - {{joint: {JOINTS[n % 6]}, side: {SIDES[n % 3]}, min: $p{n}, max: 180}}"
        for n in range(8)
    ]
    return detection.compile("\n".join([*lines, *around(PHASES[:1])]))


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
    measure("largest repetition", largest_spec(), "lunge")
    measure("largest hold", largest_hold(), "lunge")


if __name__ == "__main__":
    main()
