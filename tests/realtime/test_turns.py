"""Sockets share a process by what their messages cost, by a clock that only they move."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from realtime import fair_queue
from realtime.fair_queue import LONG_SECONDS, AttachQueue, Turn, Turns
from realtime.messages import Ping
from realtime.socket import Order, Socket

LONG, SHORT = 0.1, LONG_SECONDS / 2


class Client:
    """A socket whose next message waits once the one before is served, each of the same cost."""

    def __init__(self, turns: Turns, seconds: float, served: list["Client"]) -> None:
        self.seconds = seconds
        self._served = served
        self._may_look = asyncio.Event()
        self.turn = Turn(turns, self._may_look.set)

    async def say(self, messages: int) -> None:
        for _ in range(messages):
            while not self.turn.has_come():
                self._may_look.clear()
                await self._may_look.wait()
            CLOCK.now += self.seconds
            self.turn.cost()
            self._served.append(self)


class Clock:
    now = 0.0


CLOCK = Clock()


@pytest.fixture(autouse=True)
def by_that_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "thread_time", lambda: CLOCK.now)


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def played(scene: Callable[[Turns, list[Client]], Awaitable[None]]) -> list[Client]:
    """Who was served, in order."""
    served: list[Client] = []

    async def play() -> None:
        await scene(Turns(), served)

    asyncio.run(play())
    return served


def test_one_that_asks_for_little_is_served_ahead_of_all_that_ask_for_much() -> None:
    """It speaks up once a long message is being served: its bytes come when nobody looks."""

    async def scene(turns: Turns, served: list[Client]) -> None:
        fast = [Client(turns, LONG * (1 + n / 8), served) for n in range(8)]
        little = Client(turns, SHORT, served)
        sending = asyncio.gather(*(one.say(20) for one in fast))
        while len(served) < len(fast):  # nobody knows yet what their messages cost
            await asyncio.sleep(0)
        for _ in range(10):
            before = len(served)
            while len(served) == before:
                await asyncio.sleep(0)
            await little.say(1)
            assert served[before + 1 :] == [little]
        await sending

    played(scene)


@pytest.mark.parametrize("costs", [(LONG, LONG), (LONG, LONG / 7), (LONG, 0.01, 0.002)])
def test_those_that_always_have_a_message_get_the_same_time(costs: tuple[float, ...]) -> None:
    async def scene(turns: Turns, served: list[Client]) -> None:
        clients = [Client(turns, seconds, served) for seconds in costs]
        sending = asyncio.gather(*(one.say(round(4 / one.seconds)) for one in clients))
        while len(served) < 2 / min(costs):
            await asyncio.sleep(0)
        for one in clients:
            for other in clients:
                apart = served.count(one) * one.seconds - served.count(other) * other.seconds
                # The bound of start-time fair queueing.
                assert apart <= one.seconds + other.seconds + 1e-9
        await sending

    played(scene)


def test_one_that_was_silent_has_saved_nothing_up() -> None:
    async def scene(turns: Turns, served: list[Client]) -> None:
        early, late = (Client(turns, LONG, served) for _ in range(2))
        await early.say(50)
        before = len(served)
        await asyncio.gather(early.say(20), late.say(20))
        first = served[before : before + 20]
        assert abs(first.count(early) - first.count(late)) <= 2

    played(scene)


def test_an_order_does_not_wait_for_the_turn_of_the_message() -> None:
    """And whoever serves what has arrived, as at an end, gets the message at once."""

    async def scene(turns: Turns, served: list[Client]) -> None:
        received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        received.put_nowait({"type": "websocket.connect"})
        received.put_nowait({"type": "websocket.receive", "text": '{"type": "ping"}'})
        protocol = SimpleNamespace(is_writable=bool, is_receiving=bool)
        socket = Socket(protocol, received.get, lambda event: asyncio.sleep(0), turns)
        await socket.accept(None, [])
        other = Turn(turns, lambda: None)
        assert other.has_come()
        CLOCK.now += LONG
        other.cost()
        turns._rounds = 1_000  # others are heard, and heard
        next_one = asyncio.create_task(socket.next())
        await rounds(50)
        assert socket.has_message()
        assert not next_one.done()
        socket.order(Order.DRAIN)
        assert await next_one == Order.DRAIN
        assert socket.waiting_message() == Ping()
        await socket.stop()

    played(scene)


@pytest.mark.parametrize("sockets", [1, 8])
def test_projects_share_whatever_number_of_sockets_they_have(sockets: int) -> None:
    async def scene(turns: Turns, served: list[Client]) -> None:
        many = [Client(turns, LONG, served) for _ in range(sockets)]
        few = [Client(turns, LONG, served) for _ in range(2)]
        for project, clients in ((uuid.uuid4(), many), (uuid.uuid4(), few)):
            for client in clients:
                client.turn.join(project)
        sending = asyncio.gather(*(one.say(100) for one in (*many, *few)))
        while len(served) < 100:
            await asyncio.sleep(0)
        of_few = [served.count(client) for client in few]
        assert abs(sum(of_few) - 50) <= sockets + 2
        assert abs(of_few[0] - of_few[1]) <= 2
        of_many = [served.count(client) for client in many]
        assert max(of_many) - min(of_many) <= 2
        await sending

    played(scene)


def test_a_part_of_a_long_message_waits_while_short_ones_are_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fair_queue, "MAX_DEFERRAL_SECONDS", 60.0)

    async def scene(turns: Turns, _: list[Client]) -> None:
        await turns.defer()  # nothing is stored
        with turns.storing():
            with turns.storing():
                long = asyncio.create_task(turns.defer())
                await rounds(3)
            await rounds(3)
            assert not long.done()
        await long

    played(scene)


CROWD, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def test_another_project_waits_for_one_attach_of_a_crowd() -> None:
    async def play() -> None:
        queue, served = AttachQueue(1), list[uuid.UUID]()
        may_end = asyncio.Event()

        async def attach(project_id: uuid.UUID) -> None:
            free_place = await queue.take_place(project_id)
            served.append(project_id)
            await may_end.wait()
            free_place()

        tasks = [asyncio.create_task(attach(CROWD)) for _ in range(100)]
        await rounds(20)
        tasks += [asyncio.create_task(attach(OTHER)) for _ in range(2)]
        await rounds(20)
        # One was served, and the crowd has waited for longer.
        assert served == [CROWD]
        may_end.set()
        await asyncio.gather(*tasks)
        assert served[:6] == [CROWD, CROWD, OTHER, CROWD, OTHER, CROWD]
        assert served.count(CROWD) == 100

    asyncio.run(play())
