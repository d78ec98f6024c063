"""The services of `make run`: their restarts, their end, and their lines.

The log has every line, and the terminal shows warnings and errors.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dev.local_stack import processes
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT
from dev.local_stack.guard import children_of

RESTART_SECONDS = 1.0
STOP_SECONDS = 10.0
QUICK_STOP_SECONDS = 3.0
# A line of LOG_FORMAT text or json. One without a level continues the line before it, as a
# traceback does.
LEVEL = re.compile(r'^\d{4}-\d\d-\d\d [\d:,]+ ([A-Z]+) |^\{"time":"[^"]*","level":"([A-Z]+)"')
UNREMARKABLE = {"DEBUG", "INFO"}


class RunLog:
    """The file, written anew, with the lines of several processes after their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Show and keep a line of `make run` itself."""
        self._keep(f"run    | {text}")
        say(f"run    | {text}")

    def follow(
        self, name: str, output: IO[bytes], *, show: Callable[[str], None] | None = None
    ) -> threading.Thread:
        """Keep the lines of `output`. Each goes to `show`, or to the terminal if remarkable."""

        def keep_lines() -> None:
            is_remarkable = True
            with output:
                for line in output:
                    text = line.decode(errors="replace").rstrip()
                    named = f"{name:6} | {text}"
                    self._keep(named)
                    if level := LEVEL.match(text):
                        is_remarkable = (level[1] or level[2]) not in UNREMARKABLE
                    if show is not None:
                        show(named)
                    elif is_remarkable:
                        say(named)

        thread = threading.Thread(target=keep_lines, daemon=True)
        thread.start()
        return thread

    def _keep(self, line: str) -> None:
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()


@dataclass
class Service:
    """A child process that is started again a second after it has ended."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: RunLog
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _start_at: float | None = field(default=None, init=False)

    def start(self) -> None:
        self._start_at = None
        self.process = processes.start(
            self.command, env=self.env, cwd=PROJECT, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        self.log.follow(self.name, self.process.stdout)

    def ended(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def keep_running(self, now: float) -> None:
        status = self.ended()
        if status is not None:
            self.process = None
            self.log.say(f"{self.name} ended ({status}), starting it again")
            self._start_at = now + RESTART_SECONDS
        if self._start_at is not None and now >= self._start_at:
            self.start()

    def stop(self) -> None:
        self._start_at = None
        if self.process is not None:
            processes.stop(
                self.process,
                # A second SIGTERM or SIGQUIT makes granian and Celery hurry.
                signals=[(signal.SIGTERM, STOP_SECONDS), (signal.SIGQUIT, QUICK_STOP_SECONDS)],
            )
            self.process = None


def kill_strays(known: set[int]) -> None:
    """Kill the children of a guard that was itself killed: the kernel has given them to us."""
    # Each generation that dies leaves us the next one.
    while strays := set(children_of(os.getpid())) - known:
        for stray in strays:
            os.kill(stray, signal.SIGKILL)
            os.waitpid(stray, 0)
