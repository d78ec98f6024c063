"""The service that one customer gets while another's sessions make as many events as they can.

    python -m dev.bench.stream_events [--seconds 6] [--bystanders 40] [--rounds 3] [--throwaway]

Eight sockets of one customer send an arm that flips as fast as they are acknowledged, in batches of
15 frames. Their MoveSpec has no event for it; or 16 strict phases that hold together and 32 cues,
which is the most that one can make of it. Another customer's bystanders send 30 frames/s each.
Each round measures both, by a runtime of its own: how long the bystanders wait for an
acknowledgement, and what the eight are acknowledged for. The last line has the medians' shares.

Runtime, PostgreSQL and load share the machine: compare figures of one run only.
"""

import argparse
import asyncio
import gc
import statistics

import uvloop

from dev.bench.command import percentiles, read_options, show
from dev.bench.scene import make_customer, scene_for_run
from dev.bench.servers import runtime
from dev.bench.stream_load import Load, masked

SOCKETS, SIZE = 8, 15
FRAMES_PER_SECOND = 60
SESSION_FRAMES = 18_000
# The arm's degrees from frame to frame: as quick as no jump is.
FLIP = (170, 147, 124, 101, 78, 55, 55, 55, 55, 78, 101, 124, 147, 170, 170, 170)
PHASES, CUES_OF_PHASE = 16, 2


def talkative_movespec() -> str:
    phases = [
        f"{{name: p{n}, strict: true, criteria: [{{joint: elbow, angle_max: {120 + n}}}]}}"
        for n in range(PHASES)
    ]
    cues = [
        f'{{when: p{n}, message: "{number} {"Chest up. " * 19}"}}'
        for n in range(PHASES)
        for number in range(CUES_OF_PHASE)
    ]
    return (
        'name: talkative\nversion: "1"\ndetection:\n  type: repetition\n  movement:\n'
        f"    name: flip\n    phases: [{', '.join(phases)}]\n    sequence: [p0, p1]\n"
        f"    feedback: [{', '.join(cues)}]\n"
    )


def main() -> None:
    options = read_options(__doc__, seconds=6.0, bystanders=40, rounds=3)
    with scene_for_run(options.throwaway) as (folder, scene):
        customers = {
            "no events": make_customer("Quiet"),
            "most events": make_customer("Talkative", talkative_movespec()),
        }
        messages = [masked(text) for text in flips()]
        gc.collect()
        gc.freeze()
        waits: dict[str, list[float]] = {what: [] for what in customers}
        for _ in range(options.rounds):
            for what, customer in customers.items():
                with runtime(folder) as server:
                    fast = Load(server, customer, SIZE, messages=messages)
                    others = Load(server, scene, SIZE)
                    waits[what].append(uvloop.run(measure(what, fast, others, options)))
        quiet, talkative = (statistics.median(found) for found in waits.values())
        show("the medians of p99, and their share", quiet_ms=quiet, talkative_ms=talkative,
             share=talkative / quiet)  # fmt: skip


async def measure(what: str, fast: Load, others: Load, options: argparse.Namespace) -> float:
    """The 99th percentile of the bystanders' waits, in milliseconds."""
    bystanders = await others.attach_many(options.bystanders)
    opened = await fast.attach_many(SOCKETS)
    times, waits = await asyncio.gather(
        fast.stream_fast(opened, options.seconds + 1),
        others.stream_paced(bystanders, options.seconds),
    )
    found = percentiles(waits)
    show(f"{SOCKETS} of {what}", fast_per_second=len(times) / (options.seconds + 1), **found)
    return found["p99_ms"]


def flips() -> list[bytes]:
    from clients.python.wire import FrameBatch, encode, wire_frame
    from detection import PoseFrame
    from dev.poses.figure import Limb, Posture, landmarks

    poses = [landmarks(Posture(right_arm=Limb(5, 5 + 180 - degrees, 5))) for degrees in FLIP]
    frames = [
        wire_frame(PoseFrame(seq * 1000 / FRAMES_PER_SECOND, poses[seq % len(poses)]), seq)
        for seq in range(1, SESSION_FRAMES + 1)
    ]
    return [
        encode(FrameBatch(number, frames[start : start + SIZE])).encode()
        for number, start in enumerate(range(0, len(frames), SIZE), 1)
    ]


if __name__ == "__main__":
    main()
