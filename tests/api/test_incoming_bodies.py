"""kynaplatform/incoming.py: a body has a deadline and a least pace, and the oldest gives way"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kynaplatform import incoming
from kynaplatform.api.bodies import MOST_BODY_BYTES
from kynaplatform.incoming import Incoming, seconds_for


class Client:
    """Sends `chunks`, and then nothing more without end, unless that is all of its body."""

    def __init__(self, *chunks: bytes, is_whole: bool = False) -> None:
        self.left = list(chunks)
        self.is_whole = is_whole

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.left:
            return self.left.pop(0)
        if self.is_whole:
            raise StopAsyncIteration
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "GRACE_SECONDS", 0.02)
    monkeypatch.setattr(incoming, "LOOK_SECONDS", 0.01)


def test_a_body_that_comes_is_received() -> None:
    async def receive() -> list[bytes | None]:
        bodies = Incoming()
        return [
            await bodies.receive(Client(b"ab", b"c", is_whole=True), 3),
            await bodies.receive_chunks(Client(b"ab", b"c", is_whole=True)),
            await bodies.receive_chunks(Client(is_whole=True)),
        ]

    assert asyncio.run(receive()) == [b"abc", b"abc", b""]


def test_one_that_stops_is_late_and_what_follows_is_not() -> None:
    async def receive() -> list[bytes | None]:
        bodies = Incoming()
        return [
            await bodies.receive(Client(b"a"), 10),
            await bodies.receive_chunks(Client(b"a")),
            await bodies.receive(Client(b"b", is_whole=True), 1),
        ]

    assert asyncio.run(receive()) == [None, None, b"b"]


def test_one_that_is_cut_short_is_none() -> None:
    assert asyncio.run(Incoming().receive(Client(b"abc", is_whole=True), 10)) is None


def test_the_deadline_grows_with_the_bytes_at_the_least_pace() -> None:
    pace = incoming.LEAST_BYTES_PER_SECOND
    assert seconds_for(0) == incoming.GRACE_SECONDS
    assert seconds_for(3 * pace) - seconds_for(pace) == 2


def test_in_chunks_it_is_read_until_it_is_too_large() -> None:
    client = Client(*[b"x" * 65_536] * 20)
    body = asyncio.run(Incoming().receive_chunks(client))
    assert body is not None
    assert MOST_BODY_BYTES < len(body) <= MOST_BODY_BYTES + 65_536
    assert len(client.left) == 20 - 9


@pytest.mark.parametrize("at_once", [False, True])
def test_the_oldest_gives_way_to_the_newest(monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    monkeypatch.setattr(incoming, "GRACE_SECONDS", 3600)
    monkeypatch.setattr(incoming, "MOST_WAITING", 2)

    async def receive() -> list[bool]:
        bodies = Incoming()
        waiting = []
        for _ in range(5):
            waiting.append(asyncio.ensure_future(bodies.receive(Client(b"a"), 10)))
            if not at_once:
                await asyncio.sleep(0)
        await asyncio.gather(*waiting[:3])
        gave_way = [task.done() for task in waiting]
        for task in waiting[3:]:
            task.cancel()
        await asyncio.gather(*waiting[3:])
        return gave_way

    assert asyncio.run(receive()) == [True, True, True, False, False]


def test_what_nobody_asked_for_is_read_for_a_while() -> None:
    async def discard() -> int:
        endless = Client(*[b"x" * 1_000_000] * 20)
        await Incoming().discard(endless)
        await Incoming().discard(Client(b"x"))
        return len(endless.left)

    assert asyncio.run(discard()) == 20 - 9
