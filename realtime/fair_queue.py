"""The fair queues of a process: projects share its processor, and sockets share a project's part.

`Turns` is start-time fair queueing (Goyal, Vin and Cheng, 1996), for projects and for the sockets
of a project. Each level has a virtual time: the start tag of its newest turn. A turn's start tag is
the finish tag of the same project's or socket's last turn, or the virtual time if that is later.
Its finish tag is the start tag plus what the turn cost. The waiting project with the lowest start
tag is next, and among its sockets the one with the lowest.

Attaches wait for the database in `AttachQueue`, where projects take turns.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

# After a longer turn the event loop runs before the next one: other messages have arrived, but have
# not been read.
LONG_SECONDS: Final = 0.001
# A batch that takes longer is served in several turns.
MAX_TURN_SECONDS: Final = 0.005
# The frames of one turn at most: those of a usual batch.
SLICE_FRAMES: Final = 30
# What a turn pays for an event beside its processor time: to store it (a quarter here, the rest in
# the database), and to read and send a stored one again.
STORED_EVENT_SECONDS: Final = 40e-6
REPEATED_EVENT_SECONDS: Final = 20e-6
# The rounds of the event loop between the arrival of bytes and a socket that waits for its turn.
HEARING_ROUNDS: Final = 4
# How long the next part of a long batch waits at most while short ones are stored.
MAX_DEFERRAL_SECONDS: Final = 0.01


class Turns:
    """The turns of one process, in its event loop."""

    def __init__(self) -> None:
        self.now = 0.0
        # Shares with a waiting turn: their start, the end of their last turn (which may have moved
        # since), and a number in order of arrival.
        self._waiting: list[tuple[float, float, int, Share]] = []
        self.shares = WeakValueDictionary[UUID, Share]()
        self._numbers = itertools.count()
        self._rounds = 0
        self._is_giving = False
        self._being_stored = 0
        self._all_stored = asyncio.Event()

    def start(self, turn: "Turn") -> bool:
        """Whether the turn begins at once; otherwise it is given later."""
        share = turn.share
        if not self._is_giving:
            self.now = max(self.now, share.ended_at)
            share.now = max(share.now, turn.ended_at)
            return True
        starts_at = max(share.now, turn.ended_at)
        place = (starts_at, turn.ended_at, next(self._numbers), turn)
        heapq.heappush(share.waiting, place)
        if len(share.waiting) == 1:
            self._queue(share)
        return False

    def hear_others(self) -> None:
        self._rounds = HEARING_ROUNDS
        if not self._is_giving:
            self._is_giving = True
            asyncio.get_running_loop().call_soon(self._give)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Store a short batch: parts of long ones wait meanwhile."""
        self._being_stored += 1
        self._all_stored.clear()
        try:
            yield
        finally:
            self._being_stored -= 1
            if not self._being_stored:
                self._all_stored.set()

    async def defer(self) -> None:
        """Wait until no short batch is being stored, MAX_DEFERRAL_SECONDS at most."""
        if self._being_stored:
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_DEFERRAL_SECONDS):
                    await self._all_stored.wait()

    def _give(self) -> None:
        """Give one turn in each round of the loop: its message is served until it waits."""
        if self._rounds:
            self._rounds -= 1
        elif self._waiting:
            self._give_next()
        else:
            self._is_giving = False
            return
        asyncio.get_running_loop().call_soon(self._give)

    def _give_next(self) -> None:
        starts_at, _, _, share = heapq.heappop(self._waiting)
        while share.ended_at > starts_at:
            self._queue(share)
            starts_at, _, _, share = heapq.heappop(self._waiting)
        self.now = starts_at
        share.now, _, _, turn = heapq.heappop(share.waiting)
        turn.give()
        turn.wake()
        if share.waiting:
            self._queue(share)

    def _queue(self, share: "Share") -> None:
        starts_at = max(self.now, share.ended_at)
        heapq.heappush(self._waiting, (starts_at, share.ended_at, next(self._numbers), share))


class Share:
    """The share of a project, or of a socket that has no project yet."""

    def __init__(self) -> None:
        self.now = self.ended_at = 0.0
        # The start of each waiting turn, the end of its socket's last one, and a number.
        self.waiting: list[tuple[float, float, int, Turn]] = []


class Turn:
    """The turn of one socket. `wake` is called when the turn comes after a wait."""

    def __init__(self, turns: Turns, wake: Callable[[], None]) -> None:
        self.share = Share()
        self.ended_at = 0.0
        self.turns = turns
        self.wake = wake
        self._is_waiting = self._is_given = False
        self._started_at = self._share_started_at = 0.0
        # By the thread's processor time, and by the clock.
        self._began = self._came_at = 0.0

    def join(self, project_id: UUID) -> None:
        """Use this project's share from the next turn on."""
        self.share = self.turns.shares.setdefault(project_id, Share())

    def has_come(self) -> bool:
        """Whether the socket's next message may be served now. Call `cost` after it."""
        if not (self._is_given or self._is_waiting):
            self._is_waiting = True
            if self.turns.start(self):
                self.give()
        if not self._is_given:
            return False
        self._is_given = False
        self.go_on()
        return True

    def give(self) -> None:
        self._is_waiting, self._is_given = False, True
        self._share_started_at, self._started_at = self.turns.now, self.share.now

    def go_on(self) -> None:
        """Serve a message from now on, even without a turn, as at the end of a session."""
        self._began, self._came_at = time.thread_time(), time.perf_counter()

    def cost(self) -> None:
        """Charge the processor time since the last charge. Call it before the socket waits."""
        now = time.thread_time()
        seconds, self._began = now - self._began, now
        self.ended_at = max(self.ended_at, self._started_at)
        self.share.ended_at = max(self.share.ended_at, self._share_started_at)
        self.pay(seconds)
        if seconds > LONG_SECONDS:
            self.turns.hear_others()

    def ends_after(self, frames: int) -> bool:
        """Whether this turn has had its frames or its time, so that others should be served."""
        # Called after each frame. Reading the thread's processor time takes ten times as long.
        is_long = time.perf_counter() - self._came_at > MAX_TURN_SECONDS
        return is_long or frames % SLICE_FRAMES == 0

    def pay(self, seconds: float) -> None:
        self.ended_at += seconds
        self.share.ended_at += seconds


class AttachQueue:
    """A few places, for which projects take turns: one attach of each waits for a free place."""

    def __init__(self, places: int) -> None:
        self._free = asyncio.Semaphore(places)
        self._next_of = WeakValueDictionary[UUID, asyncio.Lock]()

    async def take_place(self, project_id: UUID) -> Callable[[], None]:
        """Wait for a place. Returns the function that frees it."""
        async with self._next_of.setdefault(project_id, asyncio.Lock()):
            await self._free.acquire()
        return self._free.release
