"""`python -m tests.realtime.hurried`: the runtime, with constants as HURRY sets them.

HURRY is a JSON object of names and numbers; each is set in every module that has it. With
FAILING_FRAME_MS the engine raises at the frame of that timestamp. LOCK_TIMEOUT is how long a
statement waits for a row.
"""

import json
import os
import sys
from typing import Any

import django

from kynaplatform.database import session_settings

OURS = ("realtime.", "sessions_app.", "kynaplatform.")


def hurry() -> None:
    for name, value in json.loads(os.environ.get("HURRY", "{}")).items():
        holders = [
            module
            for module_name, module in list(sys.modules.items())
            if module_name.startswith(OURS) and hasattr(module, name)
        ]
        assert holders, name
        for module in holders:
            setattr(module, name, value)


def wait_for_rows() -> None:
    of_runtime = session_settings._TIMEOUTS[session_settings.RUNTIME]
    of_runtime["lock_timeout"] = os.environ.get("LOCK_TIMEOUT", of_runtime["lock_timeout"])


def break_engine() -> None:
    from detection import Engine

    failing_ms = float(os.environ.get("FAILING_FRAME_MS", "nan"))
    feed = Engine.feed

    def fail_at(engine: Engine, frame: Any) -> Any:
        if frame.timestamp_ms == failing_ms:
            raise ZeroDivisionError("made to fail by a test")
        return feed(engine, frame)

    Engine.feed = fail_at  # type: ignore[method-assign]


if __name__ == "__main__":
    session_settings.begin_as(session_settings.RUNTIME)
    wait_for_rows()
    django.setup()
    import realtime.app  # every module that HURRY may name
    import realtime.uvicorn_protocols  # noqa: F401
    from realtime.__main__ import main

    hurry()
    break_engine()
    main()
