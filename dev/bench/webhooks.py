"""Webhooks: what they cost PostgreSQL, how late a message is, and the memory of their sender.

    python -m dev.bench.webhooks [--turns 20] [--sessions 8] [--waiting 1000000] [--messages 100]
                             [--slow 10000] [--deliveries 100000] [--throwaway]

A receiver in this process answers 204. First come turns in pairs, without a sender: `--sessions`
sessions are created, stream 1,800 frames each, a minute of a camera, in batches of 15, and end,
once without a webhook and once with one of every type. A line is the processor's time that
PostgreSQL took for a session, all of its processes together: the medians of the turns, and the
median of the pairs' ratios. Then a sender starts, and sends what waits: what that takes of
PostgreSQL, for a message. Then the time from a message's commit to its receipt is measured,
`--messages` of them one by one: with nothing else, with `--waiting` messages due of another
endpoint, at which nobody listens, and beside another organization whose 16 endpoints take 9.5 s to
answer each of `--slow` messages. Then the sender's resident memory, after a tenth of
`--deliveries` and after all, to twenty endpoints.

The server of DATABASE_URL is used, which has to run on this machine, in a database made for the run
and dropped at its end; with DATABASE_URL unset, an embedded one in a temporary folder, with fsync
unless `--throwaway`.
"""

import argparse
import asyncio
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import uvloop
from aiohttp import web

from dev.bench.command import percentiles, read_options, show
from dev.bench.memory import SENDER
from dev.bench.scene import Scene, scene_for_run
from dev.bench.servers import celery, runtime, served
from dev.bench.stream_load import Load, Socket
from dev.local_stack.ports import free_port

if TYPE_CHECKING:
    from webhooks.models import WebhookEndpoint

BATCH = 15
ENDPOINTS = 20
SLOW_ENDPOINTS = 16
SLOW_SECONDS = 9.5
POLL_SECONDS = 0.2
# Of a message, from its commit until it is held for lost.
MAX_SECONDS = 60.0
WAITING = """
INSERT INTO webhook_delivery (
    id, endpoint_id, type, data, occurred_at, created_at, due_at
)
SELECT webhook_uuid7(), %s, 'movespec.released', '{"name": "Squat"}', now(), now(), now()
FROM generate_series(1, %s)
"""


class Receiver:
    """Answers 204 to everything; `received` has when each came, by its webhook-id."""

    def __init__(self) -> None:
        self.received: dict[str, float] = {}
        self.port = free_port()
        self._loop = uvloop.new_event_loop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        yield self
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_post("/", self._take)
        application.router.add_post("/slow", self._take_slowly)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()

    async def _take(self, request: web.Request) -> web.Response:
        self.received[request.headers["webhook-id"]] = time.perf_counter()
        await request.read()
        return web.Response(status=204)

    async def _take_slowly(self, request: web.Request) -> web.Response:
        await asyncio.sleep(SLOW_SECONDS)
        return web.Response(status=204)


def main() -> None:
    options = read_options(
        __doc__,
        turns=20,
        sessions=8,
        waiting=1_000_000,
        messages=100,
        slow=10_000,
        deliveries=100_000,
    )
    with (
        scene_for_run(options.throwaway) as (folder, scene),
        Receiver().running() as receiver,
    ):
        if options.turns:
            with runtime(folder) as stream:
                show_cost(Load(stream, scene, BATCH), receiver, options)
        with celery(folder, "worker", *SENDER, WORKER_METRICS_PORT="0") as sender:
            show_sender(served(sender), scene, receiver, options)


def show_sender(
    sender: psutil.Process, scene: Scene, receiver: Receiver, options: argparse.Namespace
) -> None:
    show_sending()
    if options.messages:
        show_latency("nothing else waits", scene, receiver, options)
        if options.waiting:
            dead = make_endpoint(scene, f"http://127.0.0.1:{free_port()}/")
            let_wait([dead], options.waiting)
            show_latency(f"{options.waiting:,} of another wait", scene, receiver, options)
            set_enabled(dead, False)
        if options.slow:
            slow = slow_endpoints(receiver)
            let_wait(slow, options.slow)
            show_latency("another organization answers slowly", scene, receiver, options)
            for endpoint in slow:
                set_enabled(endpoint, False)
    if options.deliveries:
        show_memory(sender, scene, receiver, options.deliveries)


def make_endpoint(scene: Scene, url: str) -> "WebhookEndpoint":
    from django.utils import timezone

    from webhooks.endpoints import endpoint_create

    endpoint, _ = endpoint_create(project_id=scene.project_id, url=url, now=timezone.now())
    return endpoint


def set_enabled(endpoint: "WebhookEndpoint", enabled: bool) -> None:
    from django.utils import timezone

    from webhooks.endpoints import endpoint_change

    endpoint_change(endpoint=endpoint, changes={}, enabled=enabled, now=timezone.now())


def wait_until_delivered() -> None:
    from webhooks.models import DeliveryStatus, WebhookDelivery

    while WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING).exists():
        time.sleep(POLL_SECONDS)


# --- What it costs -----------------------------------------------------------------------


def show_cost(load: Load, receiver: Receiver, options: argparse.Namespace) -> None:
    endpoint = make_endpoint(load.scene, receiver.url)
    taken: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(-1, options.turns):
        # The first pair, which warms up, counts for nothing.
        for is_on in (False, True) if turn % 2 else (True, False):
            set_enabled(endpoint, is_on)
            before = cpu_of_postgresql()
            uvloop.run(run_sessions(load, options.sessions))
            if turn >= 0:
                taken[is_on].append((cpu_of_postgresql() - before) / options.sessions)
    ratios = [on / off for on, off in zip(taken[True], taken[False], strict=True)]
    quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    show(
        "PostgreSQL, a session",
        without_ms=1e3 * statistics.median(taken[False]),
        with_ms=1e3 * statistics.median(taken[True]),
        ratio=statistics.median(ratios),
        ratio_from=quarters[0],
        ratio_to=quarters[2],
        of_sums=sum(taken[True]) / sum(taken[False]),
    )
    set_enabled(endpoint, True)


def show_sending() -> None:
    """What it cost PostgreSQL to send what the turns have left."""
    from webhooks.models import DeliveryStatus, WebhookDelivery

    number = WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING).count()
    before = cpu_of_postgresql()
    wait_until_delivered()
    if number:
        taken = (cpu_of_postgresql() - before) / number
        show("PostgreSQL, a message sent", messages=number, ms=1e3 * taken)


async def run_sessions(load: Load, count: int) -> None:
    async def stream(socket: Socket) -> None:
        for message in load.messages:
            socket.send(message)
            await socket.acknowledged()
        await socket.finalize()
        socket.close()

    await asyncio.gather(*map(stream, await load.attach_many(count)))


def cpu_of_postgresql() -> float:
    """The seconds of the processor that the server has taken, with its ended processes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    postmaster: Any = psutil.Process(pid).parent()
    own = postmaster.cpu_times()
    living = [one.cpu_times() for one in postmaster.children()]
    ended = own.user + own.system + own.children_user + own.children_system
    return float(ended + sum(one.user + one.system for one in living))


# --- How late it is ----------------------------------------------------------------------


def show_latency(what: str, scene: Scene, receiver: Receiver, options: argparse.Namespace) -> None:
    from django.utils import timezone

    from webhooks.replays import delivery_test

    endpoint = make_endpoint(scene, receiver.url)
    times = []
    for _ in range(options.messages):
        delivery = delivery_test(endpoint=endpoint, now=timezone.now())
        times.append(receipt(receiver, str(delivery.id), time.perf_counter()))
    show(f"commit to receipt: {what}", **percentiles(times), longest_ms=1e3 * max(times))
    set_enabled(endpoint, False)


def receipt(receiver: Receiver, id_: str, since: float) -> float:
    """The seconds since then until a message came."""
    while id_ not in receiver.received:
        if time.perf_counter() - since > MAX_SECONDS:
            raise SystemExit(f"The message {id_} did not come.")
        time.sleep(0.001)
    return receiver.received[id_] - since


def slow_endpoints(receiver: Receiver) -> Sequence["WebhookEndpoint"]:
    from dev.bench.scene import make_customer

    slow = make_customer("Slow")
    return [make_endpoint(slow, f"{receiver.url}slow") for _ in range(SLOW_ENDPOINTS)]


def let_wait(endpoints: Sequence["WebhookEndpoint"], count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for endpoint in endpoints:
            cursor.execute(WAITING, [endpoint.id, count // len(endpoints)])
        cursor.execute("ANALYZE webhook_delivery")


# --- Memory ------------------------------------------------------------------------------


def show_memory(sender: psutil.Process, scene: Scene, receiver: Receiver, deliveries: int) -> None:
    from django.db import connection

    show("sender, before", rss_mib=sender.memory_info().rss / 2**20)
    endpoints = endpoints_of(scene, receiver)
    for number in (deliveries // 10, deliveries - deliveries // 10):
        receiver.received.clear()
        began_at = time.perf_counter()
        with connection.cursor() as cursor:
            for endpoint in endpoints:
                cursor.execute(WAITING, [endpoint.id, number // len(endpoints)])
        while len(receiver.received) < number // len(endpoints) * len(endpoints):
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began_at
        show(
            f"sender, after {number:,} more",
            rss_mib=sender.memory_info().rss / 2**20,
            per_second=number / seconds,
        )


def endpoints_of(scene: Scene, receiver: Receiver) -> Sequence["WebhookEndpoint"]:
    """Twenty, of two projects."""
    from dev.bench.scene import make_customer

    other = make_customer("Another")
    return [
        make_endpoint(one, receiver.url) for one in (scene, other) for _ in range(ENDPOINTS // 2)
    ]


if __name__ == "__main__":
    main()
