"""What people see: whole lines, in one piece, also when several threads write."""

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
            # Whoever read has gone; the work goes on unread.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
