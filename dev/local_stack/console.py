"""The console of `make`: whole lines, also when several threads write."""

import os
import sys
import threading

_lock = threading.Lock()


def say(text: str) -> None:
    with _lock:
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone; the work goes on.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
