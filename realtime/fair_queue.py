"""The fair queue of a process's sockets: the next message is of the socket that has cost the least.

This is start-time fair queueing (Goyal, Vin and Cheng, 1996). It has a virtual time, which is the
start of the newest turn. A turn starts at the end of the socket's last one, or now if that is past.
It ends as much later as it cost. Of the turns that wait, the one that starts first is next.

So sockets share the processor by time and not by messages. A socket that asks for little is served
ahead of all that ask for much, and one that is alone never waits.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Final

# After a longer turn the event loop runs before the next turn is given: the others' messages have
# arrived by then, but have not been read.
LONG_SECONDS: Final = 0.001
# The rounds of the event loop from the arrival of bytes to a socket that waits for its turn.
HEARING_ROUNDS: Final = 4


class Turns:
    """The turns of one process, in its event loop."""

    def __init__(self) -> None:
        self._now = 0.0
        # The start of each, the end of its socket's last turn, and a number in order of asking.
        self._waiting: list[tuple[float, float, int, Turn]] = []
        self._numbers = itertools.count()
        self._rounds = 0
        self._is_giving = False

    def start(self, turn: "Turn", last_ended_at: float) -> float | None:
        """The start of the turn, if it may begin at once; None if it is given later."""
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
        """Give one turn in each round of the loop: its message is served up to its first wait."""
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
    """The turn of one socket. `wake` is called when it has come after a wait."""

    def __init__(self, turns: Turns, wake: Callable[[], None]) -> None:
        self._turns = turns
        self._wake = wake
        self._is_waiting = False
        # Given, and not used yet.
        self._starts_at: float | None = None
        self._started_at = self._ended_at = 0.0
        self._began = 0.0

    def has_come(self) -> bool:
        """Whether the socket's next message may be served now. If so, call `cost` after it."""
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
        """Count the message's processor time so far, before its socket waits for anything else."""
        seconds = time.thread_time() - self._began
        self._ended_at = self._started_at + seconds
        if seconds > LONG_SECONDS:
            self._turns.hear_others()
