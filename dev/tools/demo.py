"""`make demo`: one session from mint to final record, with a figure that does squats.

It uses the platform that `make run` keeps in this data folder, or starts one for the demo. Exits 0
only if every repetition was counted and the stream, the record and the stored events agree.
"""

import argparse
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clients.python.connection import StreamRefusedError
from clients.python.rest import SESSIONS, RequestFailedError, RestClient
from clients.python.session_run import StatusLines, attempts, run_session, waiting
from clients.python.stream import StreamLostError
from dev.local_stack import processes
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT, fill
from dev.local_stack.guard import PR_SET_PDEATHSIG, prctl
from dev.local_stack.ports import free_port
from dev.local_stack.processes import NotReadyError
from dev.local_stack.run import why_not_ready
from dev.poses.figure import perform
from dev.replay.event_lines import EventLines

EXERCISE = "squat"
FPS = 30.0
BATCH_FRAMES = 15
READY_SECONDS = 60.0
START_SECONDS = 120.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make demo", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--repetitions", type=int, default=6, help="of the figure (default 6)")
    parser.add_argument(
        "--speed", type=float, default=4.0, help="times as fast as in life (default 4)"
    )
    parser.add_argument("--end-with-make", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.repetitions < 1 or not options.speed > 0:
        parser.error("--repetitions is at least 1, and --speed more than 0")
    if options.end_with_make:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # SIGTERM and Ctrl-C both end the demo in order, and the platform with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    variables = dict(os.environ)
    if not fill(variables):
        say("The demo is for development: it does nothing where ENVIRONMENT is production.")
        return 1
    data_dir = Path(variables["DATA_DIR"])
    try:
        with running_platform(data_dir) as demo:
            return show(demo, options.repetitions, options.speed)
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
    except NotReadyError as failure:
        say(f"The platform could not be started:\n{failure}")
    except (RequestFailedError, StreamRefusedError, StreamLostError) as failure:
        say(str(failure))
    return 1


@contextmanager
def running_platform(data_dir: Path) -> Iterator[dict[str, str]]:
    """The content of demo.json, of a platform of `data_dir` that is ready inside the block.

    One started for the demo stops in order, the database last, also when this process is killed.
    """
    is_in_use = True
    with (data_dir / "run.lock").open("a") as lock, suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_in_use = False
    if is_in_use:
        yield await_demo(data_dir)
        return
    say("Starting the platform for the demo …")
    port, realtime_port = free_port(), free_port()
    urls = (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{realtime_port}")
    with processes.running(
        [sys.executable, "-m", "dev.local_stack.run"],
        log=data_dir / "demo.log",
        is_ready=lambda: all(why_not_ready(url) is None for url in urls),
        ready_seconds=START_SECONDS,
        signals=[(signal.SIGTERM, STOP_SECONDS)],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATA_DIR": str(data_dir),
            "PORT": str(port),
            "REALTIME_PORT": str(realtime_port),
            "PUBLIC_STREAM_URL": f"ws://127.0.0.1:{realtime_port}/api/detection/stream",
        },
        death_signal=signal.SIGTERM,
        death_seconds=STOP_SECONDS,
    ):
        try:
            yield await_demo(data_dir)
        finally:
            say("Stopping the platform …")


def await_demo(data_dir: Path) -> dict[str, str]:
    path = data_dir / "demo.json"
    deadline = time.monotonic() + READY_SECONDS
    reason: str | None = "it has not written its address yet"
    while time.monotonic() < deadline:
        # Read each time: a platform that is starting writes its address before it is ready.
        if path.exists():
            demo: dict[str, str] = json.loads(path.read_text())
            reason = why_not_ready(demo["base_url"])
            if reason is None:
                return demo
        time.sleep(POLL_SECONDS)
    raise NotReadyError(f"the running platform is not ready: {reason}")


def show(demo: dict[str, str], repetitions: int, speed: float) -> int:
    poses, base_url = perform(EXERCISE, repetitions=repetitions, fps=FPS), demo["base_url"]
    say(
        f"{base_url}: a figure does {repetitions} squats, {len(poses)} frames at "
        f"{FPS:.0f} a second, {speed:g} times as fast as in life.\n"
    )
    api = RestClient(base_url, on_wait=lambda *wait: say(waiting(*wait)))
    lines = EventLines()
    run = run_session(
        api,
        poses,
        project_id=api.mint(demo["api_key_secret"]),
        mode="live",
        reference={"movement": f"catalogue/{EXERCISE}"},
        listener=StatusLines(on_event=lambda event: say(lines.line(event)), file=sys.stderr),
        batch_frames=BATCH_FRAMES,
        speed=speed,
    )
    session_id = run.record["session_id"]
    say(
        "\nIts record, while the platform runs:\n"
        f"  {base_url}/admin/sessions_app/detectionsession/{session_id}/change/\n"
        f"  GET {base_url}{SESSIONS}/{session_id}\n"
    )
    faults = run.faults(repetitions)
    for fault in faults:
        say(f"WRONG: {fault}")
    if faults:
        return 1
    if run.attempts:
        say(attempts(run.attempts))
    say(
        f"{repetitions} repetitions performed, {repetitions} counted, "
        f"{run.attempts.total()} interrupted: "
        "the stream, the record and the stored events agree."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
