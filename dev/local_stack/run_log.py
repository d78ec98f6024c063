"""The log of `make run`: the file has every line, and the terminal shows warnings and errors."""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dev.local_stack.console import say

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
        thread = threading.Thread(target=self._follow, args=(name, output, show), daemon=True)
        thread.start()
        return thread

    def _follow(self, name: str, output: IO[bytes], show: Callable[[str], None] | None) -> None:
        is_remarkable = True
        with output:
            for line in output:
                text = line.decode(errors="replace").rstrip()
                named = f"{name:6} | {text}"
                self._keep(named)
                if told := LEVEL.match(text):
                    is_remarkable = (told[1] or told[2]) not in UNREMARKABLE
                if show is not None:
                    show(named)
                elif is_remarkable:
                    say(named)

    def _keep(self, line: str) -> None:
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()
