"""The runtime with a part of it taken out, to measure what that part costs.

    python bench/stream_server.py [--without engine|checkpoint|turns] [--profile FILE]

`--profile` writes a cProfile of the event loop's thread when the runtime ends.
"""

import argparse
import cProfile
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from realtime.__main__ import main, serve  # noqa: E402


def without_engine() -> None:
    from detection import Engine

    Engine.feed = lambda self, frame: []  # type: ignore[method-assign]


def without_checkpoint() -> None:
    from realtime.checkpointer import Checkpointer
    from sessions_app.checkpoints import Checkpoint, Stored

    async def store(self: Checkpointer, checkpoint: Checkpoint) -> Stored:
        return Stored.HELD

    Checkpointer.store = store  # type: ignore[method-assign]


def without_turns() -> None:
    from realtime.turns import Turns

    Turns.hear_others = lambda self: None  # type: ignore[method-assign]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--without", choices=("engine", "checkpoint", "turns"))
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    django.setup()
    if options.without == "engine":
        without_engine()
    if options.without == "checkpoint":
        without_checkpoint()
    if options.without == "turns":
        without_turns()
    if options.profile is None:
        main()
    else:
        with cProfile.Profile() as profile:
            serve()
        profile.dump_stats(options.profile)
