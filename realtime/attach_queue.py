"""The queue of attaches for the database: projects take turns, however many attaches each has."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID


class AttachQueue:
    """A few places. One that gets free goes to the project that has waited longest for its turn."""

    def __init__(self, places: int) -> None:
        self._free = places
        # Each project's attaches that wait, first come first; of the projects, first the next one.
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def place(self, project_id: UUID) -> AsyncIterator[None]:
        await self._take(project_id)
        try:
            yield
        finally:
            self._give()

    async def _take(self, project_id: UUID) -> None:
        if self._free:
            self._free -= 1
            return
        given = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(project_id, deque()).append(given)
        try:
            await given
        except asyncio.CancelledError:
            if not given.cancelled():
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            project_id = next(iter(self._waiting))
            waiting = self._waiting.pop(project_id)
            while waiting:
                given = waiting.popleft()
                if not given.cancelled():
                    given.set_result(None)
                    if waiting:
                        self._waiting[project_id] = waiting
                    return
        self._free += 1
