"""Whose message is served next, where several wait: the socket's that has cost the least.

Start-time fair queueing (Goyal, Vin and Cheng, 1996). A turn starts where the socket's last one
ended, or now where that is past, and ends as much later as it cost; of those that wait the one
that starts first is next. Time passes by what is served: now is where the newest turn starts. So
sockets share the processor by time and not by messages, one that asks for little is served ahead
of all that ask for much, and one that is alone never waits.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Final

# After a longer turn the others are heard before the next is given: by then their messages have
# arrived, but nobody has looked.
LONG_SECONDS: Final = 0.001
# Rounds of the event loop from bytes that have arrived to a socket that waits for its turn.
HEARING_ROUNDS: Final = 4


class Turns:
    """Those of one process, in its event loop."""

    def __init__(self) -> None:
        self._now = 0.0
        # Where they start, where their socket's last turn ended, and in which order they asked.
        self._waiting: list[tuple[float, float, int, Turn]] = []
        self._numbers = itertools.count()
        self._rounds = 0
        self._is_giving = False

    def start(self, turn: "Turn", last_ended_at: float) -> float | None:
        """Where the turn starts, if it is free; otherwise it is given later."""
        starts_at = max(self._now, last_ended_at)
        if not self._is_giving:
            self._now = starts_at
            return starts_at
        place = (starts_at, last_ended_at, next(self._numbers), turn)
        heapq.heappush(self._waiting, place)
        return None

    def hear_others(self) -> None:
        self._rounds = HEARING_ROUNDS
        if not self._is_giving:
            self._is_giving = True
            asyncio.get_running_loop().call_soon(self._give)

    def _give(self) -> None:
        """One in each round of the loop, in which its message is served up to its first wait."""
        if self._rounds:
            self._rounds -= 1
        elif self._waiting:
            self._now, _, _, turn = heapq.heappop(self._waiting)
            turn.give(self._now)
        else:
            self._is_giving = False
            return
        asyncio.get_running_loop().call_soon(self._give)


class Turn:
    """One socket's; `wake` is called when it has come after a wait."""

    def __init__(self, turns: Turns, wake: Callable[[], None]) -> None:
        self._turns = turns
        self._wake = wake
        self._is_waiting = False
        # Given, and not used yet.
        self._starts_at: float | None = None
        self._started_at = self._ended_at = 0.0
        self._began = 0.0

    def has_come(self) -> bool:
        """Whether the socket's next message may be served now; it is then to call `cost`."""
        if self._starts_at is None and not self._is_waiting:
            self._starts_at = self._turns.start(self, self._ended_at)
            self._is_waiting = self._starts_at is None
        if self._starts_at is None:
            return False
        self._started_at, self._starts_at = self._starts_at, None
        self._began = time.thread_time()
        return True

    def give(self, starts_at: float) -> None:
        self._is_waiting, self._starts_at = False, starts_at
        self._wake()

    def cost(self) -> None:
        """Count what the message has cost so far: before its socket waits for anything else."""
        seconds = time.thread_time() - self._began
        self._ended_at = self._started_at + seconds
        if seconds > LONG_SECONDS:
            self._turns.hear_others()
