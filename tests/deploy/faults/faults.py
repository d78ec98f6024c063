"""What is done to the platform, one after the other."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from dev.local_stack.guard import children_of
from tests.deploy.composition import SERVERS
from tests.deploy.faults.stage import Stage
from tests.deploy.faults.streams import Streaming


@dataclass
class Scene:
    """What a fault may touch, and for how long something is away, or two rows are held.

    All of it is absent for `absent_seconds`. `held` are the sessions that it keeps back by itself.
    """

    away_seconds: float
    absent_seconds: float
    held_seconds: float
    stage: Stage
    streams: list[Streaming]
    # Has all messages sent to the run's receiver, from then on.
    subscribe: Callable[[], None]
    held: set[str] = field(default_factory=set)


def no_time(_: Scene) -> float:
    return 0.0


@dataclass(frozen=True)
class Fault:
    """`away` is for how long nothing can be answered."""

    name: str
    happen: Callable[[Scene], None]
    away: Callable[[Scene], float] = no_time


def nothing(_: Scene) -> None:
    """How it is otherwise."""


def restart(name: str) -> Fault:
    return Fault(f"{name} restarted", lambda scene: scene.stage.restart(name))


def kill(name: str) -> Fault:
    return Fault(f"{name} killed", lambda scene: scene.stage.kill(name))


def kill_child(name: str) -> Fault:
    """One of the processes that it has started, and starts again by itself."""

    def happen(scene: Scene) -> None:
        first = scene.stage.pid_of(name)
        before = children_of(first)
        os.kill(before[-1], signal.SIGKILL)
        scene.stage.wait_until(
            lambda: len(now := children_of(first)) == len(before) and before[-1] not in now,
            30,
            f"{name} has started a process in place of the one that was killed",
        )

    return Fault(f"a process of {name} killed", happen)


def reload_nginx(scene: Scene) -> None:
    nginx = scene.stage.pid_of("nginx")
    before = set(children_of(nginx))
    os.kill(nginx, signal.SIGHUP)
    scene.stage.wait_until(
        lambda: bool(set(children_of(nginx)) - before), 10, "nginx has new processes"
    )


def stop_redis(scene: Scene) -> None:
    os.kill(scene.stage.pid_of("redis"), signal.SIGTERM)
    scene.stage.await_end("redis")
    scene.stage.pass_time(scene.away_seconds)
    scene.stage.begin("redis")


def silence(name: str) -> Callable[[Scene], None]:
    """It accepts connections, and says nothing."""

    def happen(scene: Scene) -> None:
        first = scene.stage.pid_of(name)
        silent = [first, *children_of(first)]
        for pid in silent:
            os.kill(pid, signal.SIGSTOP)
        try:
            scene.stage.pass_time(scene.away_seconds)
        finally:
            for pid in silent:
                os.kill(pid, signal.SIGCONT)

    return happen


def restart_postgres(scene: Scene) -> None:
    database = scene.stage.database
    assert database.process is not None
    database.process.send_signal(signal.SIGINT)  # fast
    database.process.wait(30)
    database.start()


def crash_postgres(scene: Scene) -> None:
    kill_postgres(scene)
    scene.stage.pass_time(scene.away_seconds)
    scene.stage.database.start()


def kill_postgres(scene: Scene) -> None:
    database = scene.stage.database
    assert database.process is not None
    [postmaster] = children_of(database.process.pid)
    os.kill(postmaster, signal.SIGKILL)
    database.process.wait(30)


def be_absent(scene: Scene) -> None:
    """PostgreSQL is away, and meanwhile all die who would know since when."""
    kill_postgres(scene)
    scene.stage.pass_time(scene.absent_seconds / 2)
    for name in ("realtime-1", "realtime-2", "worker", "webhooks"):
        scene.stage.kill(name, is_awaited=False)
    scene.stage.pass_time(scene.absent_seconds / 2)
    scene.stage.database.start()


def hold_rows(scene: Scene) -> None:
    held = [one.session_id for one in scene.streams[:2]]
    scene.held.update(held)
    with psycopg.connect(scene.stage.database.url) as holder:
        holder.execute("SELECT id FROM detection_session WHERE id = ANY (%s) FOR UPDATE", [held])
        scene.stage.pass_time(scene.held_seconds)
        holder.rollback()


def upgrade(scene: Scene) -> None:
    scene.stage.upgrade()
    scene.subscribe()


UPGRADE = Fault("upgraded from the last release", upgrade)
FAULTS = [
    Fault("nothing", nothing),
    *map(restart, [*SERVERS, "worker", "webhooks", "beat"]),
    Fault("nginx reloaded", reload_nginx),
    kill_child("api-1"),
    kill_child("worker"),
    *map(kill, [*SERVERS, "worker", "webhooks", "beat", "nginx"]),
    Fault("Redis stopped", stop_redis),
    Fault("Redis silent", silence("redis")),
    Fault("api-1 silent", silence("api-1")),
    Fault("webhooks silent", silence("webhooks")),
    Fault("PostgreSQL restarted", restart_postgres),
    Fault("PostgreSQL killed", crash_postgres, lambda scene: scene.away_seconds),
    Fault(
        "PostgreSQL away, runtimes and worker killed", be_absent, lambda scene: scene.absent_seconds
    ),
    Fault("two rows locked", hold_rows),
]


@dataclass(frozen=True)
class Plan:
    sessions: int
    faults: list[Fault]
    # From when all goes on again to the next one.
    quiet_seconds: float
    away_seconds: float
    # Longer than the idle limit.
    absent_seconds: float
    held_seconds: float


FULL = Plan(
    sessions=40,
    faults=FAULTS,
    quiet_seconds=5,
    away_seconds=30,
    absent_seconds=150,
    held_seconds=60,
)
# What happens to one of two happens to the other.
ALIKE = ("api-2 killed", "pages-2 killed", "realtime-2 killed")
SHORT = Plan(
    sessions=8,
    faults=[one for one in FAULTS if one.name not in ALIKE],
    quiet_seconds=0.4,
    away_seconds=3,
    absent_seconds=20,
    held_seconds=5,
)
