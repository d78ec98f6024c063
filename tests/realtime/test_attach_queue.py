"""Attaches that wait for the database: their projects take turns."""

import asyncio
import uuid

import pytest

from realtime.fair_queue import AttachQueue

CROWD, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class Scene:
    """A queue of one place, and the order in which attaches got it."""

    def __init__(self) -> None:
        self.queue = AttachQueue(1)
        self.served: list[uuid.UUID] = []
        self.may_end = asyncio.Event()

    def attach(self, project_id: uuid.UUID) -> "asyncio.Task[None]":
        return asyncio.create_task(self._attach(project_id))

    async def _attach(self, project_id: uuid.UUID) -> None:
        async with self.queue.place(project_id):
            self.served.append(project_id)
            await self.may_end.wait()


async def rounds() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_another_project_waits_for_one_attach_of_a_crowd() -> None:
    async def play() -> None:
        scene = Scene()
        tasks = [scene.attach(CROWD) for _ in range(100)]
        await rounds()
        tasks += [scene.attach(OTHER), scene.attach(OTHER)]
        scene.may_end.set()
        await asyncio.gather(*tasks)
        # One was served, and the crowd has waited for longer.
        assert scene.served[:6] == [CROWD, CROWD, OTHER, CROWD, OTHER, CROWD]
        assert scene.served.count(CROWD) == 100

    asyncio.run(play())


def test_no_more_are_served_at_once_than_there_are_places() -> None:
    async def play() -> None:
        scene = Scene()
        scene.queue = AttachQueue(3)
        tasks = [scene.attach(uuid.uuid4()) for _ in range(10)]
        await rounds()
        assert len(scene.served) == 3
        scene.may_end.set()
        await asyncio.gather(*tasks)
        assert len(scene.served) == 10

    asyncio.run(play())


@pytest.mark.parametrize("is_given", [False, True])
def test_one_that_gives_up_takes_no_place_with_it(is_given: bool) -> None:
    """Also where its place had just been given to it, and it never began."""

    async def play() -> None:
        scene = Scene()
        first, second = scene.attach(CROWD), scene.attach(CROWD)
        await rounds()
        if is_given:
            scene.may_end.set()
            # The round in which the first has ended, and the second has not gone on.
            while not first.done():
                await asyncio.sleep(0)
        second.cancel()
        third = scene.attach(OTHER)
        scene.may_end.set()
        await asyncio.wait_for(third, 30)
        assert second.cancelled()
        assert scene.served == [CROWD, OTHER]

    asyncio.run(play())
