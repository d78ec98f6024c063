"""The runtime with a part of it taken out, to measure what that part costs.

python -m dev.bench.partial_runtime [--without engine|checkpoint]
"""

import argparse

import django

from realtime.__main__ import main


def without_engine() -> None:
    from detection import Engine

    Engine.feed = lambda self, frame: []  # type: ignore[method-assign]


def without_checkpoint() -> None:
    from realtime.checkpointer import Checkpointer
    from sessions_app.checkpoints import Checkpoint, CheckpointOutcome

    async def store(self: Checkpointer, checkpoint: Checkpoint) -> CheckpointOutcome:
        return CheckpointOutcome.STORED

    Checkpointer.store = store  # type: ignore[method-assign]


PARTS = {"engine": without_engine, "checkpoint": without_checkpoint}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", choices=PARTS)
    options = parser.parse_args()
    django.setup()
    if options.without:
        PARTS[options.without]()
    main()
