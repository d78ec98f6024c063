"""Coroutines of answered requests end without waking the event loop for each."""

import asyncio
from threading import Thread

import pytest

from kynaplatform import answering
from kynaplatform.answering import Answering


def answer_in_a_thread(requests: Answering, future: "asyncio.Future[None]") -> None:
    thread = Thread(target=requests.answered, args=[future])
    thread.start()
    thread.join()


def test_an_answered_one_ends_with_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "TICK_SECONDS", 1_000)

    async def serve() -> None:
        requests = Answering()
        first, second = requests.begin(), requests.begin()
        answer_in_a_thread(requests, second)
        assert not second.done()
        third = requests.begin()
        assert [one.done() for one in (first, second, third)] == [False, True, False]

    asyncio.run(serve())


def test_without_another_request_it_ends_at_the_tick() -> None:
    async def serve() -> None:
        requests = Answering()
        for _ in range(2):  # the tick begins anew after it has ended all
            one = requests.begin()
            answer_in_a_thread(requests, one)
            await asyncio.wait_for(one, timeout=30)

    asyncio.run(serve())


def test_one_that_was_cancelled_keeps_no_other_from_ending() -> None:
    async def serve() -> None:
        requests = Answering()
        left, stayed = requests.begin(), requests.begin()
        left.cancel()
        for one in (left, stayed):
            answer_in_a_thread(requests, one)
        await asyncio.wait_for(stayed, timeout=30)

    asyncio.run(serve())
