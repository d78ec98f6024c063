"""The whole of it: the set is started, loaded, put through every fault, and judged."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.faults.faults import UPGRADE, Fault, Plan, Scene
from tests.deploy.faults.film import BATCH_FRAMES, MOVESPEC, Film
from tests.deploy.faults.judgement import wrong_creates, wrong_sessions, wrong_sweep
from tests.deploy.faults.outages import HEADINGS, Outage, outage, table_head
from tests.deploy.faults.stage import StageFailedError, standing
from tests.deploy.faults.streams import abandon, stream
from tests.deploy.faults.traffic import Traffic, created_by, make_project
from tests.deploy.faults.visits import Visits
from tests.deploy.faults.webhooks import receiving, wrong_messages
from tests.deploy.image import Image

# As long as a stream may take until it is as far as its camera.
LIVE_SECONDS = 90.0


@dataclass
class Report:
    """`wrong` is empty when the platform held."""

    sessions: int
    outages: list[Outage] = field(default_factory=list)
    frames: int = 0
    attaches: int = 0
    creates: int = 0
    repeated: int = 0
    messages: int = 0
    messages_again: int = 0
    wrong: list[str] = field(default_factory=list)

    def as_text(self) -> str:
        lines = [
            f"{self.sessions} sessions, {self.frames} frames, {self.attaches} attaches; "
            f"{self.creates} creates, of which {self.repeated} were repeated with their key; "
            f"{self.messages} messages of a webhook, {self.messages_again} of them again.",
            *(f"WRONG: {fault}" for fault in self.wrong),
        ]
        if not self.wrong:
            lines.append("Every frame and every create counts once, and every end was sent.")
        return "\n".join(lines)


def carry_out(
    image: Image,
    folder: Path,
    plan: Plan,
    say: Callable[[str], None],
    before: Image | None = None,
) -> Report:
    """Everything of it is in `folder`, which any user may enter, and gone at the end.

    With `before` it begins with that code and its MoveSpec, and is upgraded first. The rows of the
    table are said as they come. StageFailedError when a process does not start.
    """
    report = Report(plan.sessions)
    with (
        standing(image, folder, before) as stage,
        trusting(stage.certificate),
        receiving() as receiver,
    ):
        movespec = ((before or image).project / MOVESPEC).read_text()
        project = make_project(stage, movespec)
        if before is None:
            receiver.subscribe(stage, project.id)
        keys = [f"stream-{number}" for number in range(plan.sessions)]
        created = {key: created_by(project.api, key) for key in keys}
        traffic = Traffic(project.api, {key: one["session_id"] for key, one in created.items()})
        film = Film(movespec)
        streams = stream([*created.values()], film)
        scene = Scene(
            plan.away_seconds,
            plan.absent_seconds,
            plan.held_seconds,
            stage,
            streams,
            lambda: receiver.subscribe(stage, project.id),
        )
        visits = Visits(project.api, traffic)
        try:
            traffic.start()
            visits.start()
            faults = plan.faults if before is None else [UPGRADE, *plan.faults]
            be_disturbed(scene, plan, faults, traffic, report, say)
            film.end()
            stage.wait_until(
                lambda: all(one.has_ended for one in streams), LIVE_SECONDS, "all have ended"
            )
            visits.end()
            traffic.end()
            report.repeated = traffic.repeat_unanswered()
            report.wrong += wrong_sessions(
                streams, film, project.rest, stage.database.url, is_upgraded=before is not None
            )
            report.wrong += wrong_creates(traffic, stage.database.url)
            report.wrong += wrong_sweep(stage)
            report.wrong += wrong_messages(receiver, stage)
            report.wrong += [
                f"{name} ended by itself, and was started again" for name in stage.died
            ]
        finally:
            visits.end()
            traffic.end()
            abandon(streams)
    report.frames = (film.batches or 0) * BATCH_FRAMES * plan.sessions
    report.attaches = sum(one.client.attaches for one in streams)
    report.creates = len(traffic.creates)
    report.messages = len({one.id for one in receiver.received})
    report.messages_again = len(receiver.received) - report.messages
    return report


def be_disturbed(
    scene: Scene,
    plan: Plan,
    faults: Sequence[Fault],
    traffic: Traffic,
    report: Report,
    say: Callable[[str], None],
) -> None:
    await_live_streams(scene)
    say(table_head(*HEADINGS))
    for fault in faults:
        scene.held.clear()
        began_at = time.monotonic()
        fault.happen(scene)
        away_seconds = fault.away(scene)
        try:
            await_live_streams(scene, away_seconds)
        except StageFailedError as failure:
            report.wrong.append(f"{fault.name}: {failure}")
        scene.stage.pass_time(plan.quiet_seconds)
        told = outage(
            fault.name, began_at, time.monotonic(), traffic.requests, scene.streams, scene.held
        )
        report.outages.append(told)
        say(told.as_row())


def await_live_streams(scene: Scene, away_seconds: float = 0.0) -> None:
    seconds = LIVE_SECONDS + away_seconds
    scene.stage.wait_until(
        lambda: all(one.is_live for one in scene.streams), seconds, "every stream goes on"
    )


@contextmanager
def trusting(certificate: Path) -> Iterator[None]:
    """While inside, it is what this process trusts."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificate)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before
