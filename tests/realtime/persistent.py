"""A client that attaches as often as it takes, and sends again what was not acknowledged.

It holds the runtime to its word as it goes: what was acknowledged is never taken back, and an
event that is told twice is told the same.
"""

import asyncio
import json
import random
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

ATTACHES_AGAIN = {1005, 1006, 1012}
RETRY_SECONDS = 0.05
ANSWER_SECONDS = 60.0
AHEAD = 3

Batch = Sequence[dict[str, Any]]


def encoded(batches: Sequence[Batch]) -> list[str]:
    """The messages that bring `batches`, numbered from 1."""
    return [
        json.dumps({"type": "frame_batch", "batch_seq": seq, "frames": list(batch)})
        for seq, batch in enumerate(batches, 1)
    ]


class PersistentClient:
    """Streams `messages`, which bring `batches`, to whichever of `stream_urls` answers.

    Frames are numbered from 1 without a gap, so what is accepted counts as much as it is numbered.
    """

    def __init__(
        self,
        stream_urls: Sequence[str],
        created: dict[str, Any],
        batches: Sequence[Batch],
        messages: Sequence[str],
        chance: random.Random,
        on_ack: Callable[[], Awaitable[None]],
    ) -> None:
        self.created = created
        self.session_id: str = created["session_id"]
        self.attaches = 0
        self.events: dict[str, dict[str, Any]] = {}
        self.events_again = 0
        self.done: dict[str, Any] | None = None
        self.ended: dict[str, Any] | None = None  # the details of a 4410
        self.close_codes: list[int] = []
        self._token: str = created["runtime_token"]
        self._urls = stream_urls
        self._batches = batches
        self._messages = messages
        self._chance = chance
        self._on_ack = on_ack
        self._acknowledged = 0  # batches, which are answered in their order
        self._last_frame_seq = 0

    @property
    def acknowledged_frames(self) -> int:
        return self._last_frame_seq

    async def run(self) -> None:
        """Until the session has ended."""
        while self.done is None and self.ended is None:
            url = self._chance.choice(self._urls)
            try:
                async with connect(
                    f"{url}/{self.session_id}",
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    compression=None,
                    ping_interval=None,
                    open_timeout=10,
                    close_timeout=2,
                ) as socket:
                    await self._stream(socket)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                self.close_codes.append(code)
                if self.ended is None and code not in ATTACHES_AGAIN:
                    raise
            except (OSError, TimeoutError, InvalidHandshake, EOFError):
                pass
            await asyncio.sleep(RETRY_SECONDS * self._chance.random())

    async def _stream(self, socket: ClientConnection) -> None:
        first = await self._next(socket)
        if first["type"] == "error":
            self._be_refused(first)
            return
        self._be_attached(first)
        if first["status"] == "finalizing":  # it had heard the finalize
            assert self._acknowledged == len(self._messages)
            await self._await_done(socket)
            return
        sent = self._acknowledged
        if self._chance.random() < 0.5:
            sent = max(0, sent - 1)  # one that was acknowledged is sent again too
        answered = sent
        while answered < len(self._messages):
            while sent < min(len(self._messages), answered + AHEAD):
                await socket.send(self._messages[sent])
                sent += 1
            await self._await_ack(socket, answered + 1)
            answered += 1
        await self._end(socket)

    async def _end(self, socket: ClientConnection) -> None:
        await socket.send('{"type": "finalize"}')
        await self._await_done(socket)

    async def _await_done(self, socket: ClientConnection) -> None:
        while (await self._next(socket))["type"] != "session_done":
            pass

    def _be_refused(self, message: dict[str, Any]) -> None:
        assert message["error"]["code"] == "session_already_ended", message
        assert self._acknowledged == len(self._messages)
        self.ended = message["error"]["details"]

    def _be_attached(self, update: dict[str, Any]) -> None:
        self.attaches += 1
        assert update["type"] == "session_update", update
        assert update["last_frame_seq"] >= self._last_frame_seq, update
        self._last_frame_seq = update["last_frame_seq"]
        assert update["accepted_frames_total"] == self._last_frame_seq, update

    async def _await_ack(self, socket: ClientConnection, batch_seq: int) -> None:
        while (message := await self._next(socket))["type"] != "frame_ack":
            assert message["type"] in ("event_batch", "ping", "session_update"), message
            if message["type"] == "event_batch":
                assert message["batch_seq"] == batch_seq
        batch = self._batches[batch_seq - 1]
        seqs = [frame["frame_seq"] for frame in batch]
        known = [index for index, seq in enumerate(seqs) if seq <= self._last_frame_seq]
        self._last_frame_seq = max(self._last_frame_seq, seqs[-1])
        for rejected in message["rejected_frames"]:
            rejected.pop("detail", None)
        assert message.pop("readiness")["missing"] == []
        assert message == {
            "type": "frame_ack",
            "batch_seq": batch_seq,
            "accepted_frame_count": len(batch) - len(known),
            "accepted_frames_total": self._last_frame_seq,
            "rejected_frame_indexes": known,
            "rejected_frames": [
                {"index": index, "reason": "frame_seq_not_increasing"} for index in known
            ],
        }, (message, known)
        self._acknowledged = max(self._acknowledged, batch_seq)
        await self._on_ack()

    async def _next(self, socket: ClientConnection) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_SECONDS))
        if message["type"] == "event_batch":
            self._keep(message["events"])
        elif message["type"] == "session_done":
            self.done = message
        return message

    def _keep(self, events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            known = self.events.setdefault(event["event_id"], event)
            assert known == event
            self.events_again += known is not event


class Pace:
    """Holds all clients together at a number of acknowledgements until the test lets them on."""

    def __init__(self, stops: Sequence[int]) -> None:
        self._stops = [*stops]
        self._count = 0
        self._changed = threading.Condition()
        self.is_over = False

    async def count(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()
        while self._stops and self._count >= self._stops[0]:
            await asyncio.sleep(0.01)

    def finish(self) -> None:
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def stops(self) -> Iterator[int]:
        """Each stop once it is reached; they go on as it is given."""
        while self._stops:
            with self._changed:
                assert self._changed.wait_for(
                    lambda: self.is_over or self._count >= self._stops[0], 60
                )
            yield self._stops.pop(0)


def streaming(clients: Sequence[PersistentClient], pace: Pace) -> Iterator[int]:
    """Run all clients in a thread; gives each stop of `pace`, and returns when all have ended."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_run_all(clients))
        except BaseException as error:  # noqa: BLE001 - it is the test's to raise
            failures.append(error)
        finally:
            pace.finish()

    thread = threading.Thread(target=run)
    thread.start()
    for stop in pace.stops():
        _raise(failures)
        yield stop
    thread.join(120)
    _raise(failures)
    assert not thread.is_alive()


def _raise(failures: Sequence[BaseException]) -> None:
    for failure in failures:
        raise failure


async def _run_all(clients: Sequence[PersistentClient]) -> None:
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
