"""A webhook of every type, its receiver, and what is wrong with what came."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from standardwebhooks import Webhook, WebhookVerificationError

from tests.deploy.faults.stage import Stage, StageFailedError

# The claim of a sender that was killed lasts 30 s, and a try that failed is followed by another.
DELIVERED_SECONDS = 150.0
# What was going on as the webhook was made may be told or not.
BEGINNING = timedelta(seconds=1)
CREATE = """
from kynaplatform import clock
from webhooks.endpoints import endpoint_create
endpoint, secret = endpoint_create(project_id="{project_id}", url="{url}", now=clock.now())
print("made", endpoint.id, secret, endpoint.created_at.isoformat())
"""


@dataclass(frozen=True)
class Received:
    id: str
    body: str

    @property
    def told(self) -> tuple[str, str]:
        """The session, and the type."""
        message = json.loads(self.body)
        return message["data"].get("session_id", ""), message["type"]


class Receiver(ThreadingHTTPServer):
    """Takes every message whose signature is right; `wrong` are those whose is not."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[Received] = []
        self.wrong: list[str] = []
        self.endpoint_id: str | None = None
        self.webhook: Webhook | None = None
        self.since: datetime | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def subscribe(self, stage: Stage, project_id: str) -> None:
        """Have all of the project's messages sent here, from now on."""
        source = CREATE.format(project_id=project_id, url=self.url)
        said = stage.services["webhooks"].run("python", "manage.py", "shell", "-c", source)
        _made, self.endpoint_id, secret, since = said[said.index("made ") :].split()
        self.webhook, self.since = Webhook(secret), datetime.fromisoformat(since)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        id_ = self.headers["webhook-id"]
        if self.server.webhook is None:
            # The secret is not known yet; the message comes again.
            self.send_error(503)
            return
        try:
            self.server.webhook.verify(body, dict(self.headers))
        except WebhookVerificationError as error:
            self.server.wrong.append(f"The message {id_} is not signed as it should be: {error}")
        self.server.received.append(Received(id_, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def wrong_messages(receiver: Receiver, stage: Stage) -> list[str]:
    """Once nothing waits: each start and end was told, and nothing else."""
    waiting = "SELECT count(*) FROM webhook_delivery WHERE status = 'waiting'"
    with psycopg.connect(stage.database.url, autocommit=True) as database:
        try:
            stage.wait_until(
                lambda: database.execute(waiting).fetchone() == (0,),
                DELIVERED_SECONDS,
                "each message is delivered",
            )
        except StageFailedError as fault:
            return [str(fault)]
        sessions = database.execute(
            "SELECT id::text, status, started_at, ended_at FROM detection_session"
        ).fetchall()
    assert receiver.since is not None
    return receiver.wrong + judged(receiver.received, receiver.since, sessions)


# Id, status, start and end.
Session = tuple[str, str, datetime | None, datetime | None]


def judged(
    received: Sequence[Received], made_at: datetime, sessions: Sequence[Session]
) -> list[str]:
    """The faults of what a webhook that was made then received of these sessions."""
    since = made_at + BEGINNING
    must, may = set(), set()
    for id_, status, started_at, ended_at in sessions:
        for type_, at in ((f"session.{status}", ended_at), ("session.started", started_at)):
            if at is not None:
                may.add((id_, type_))
            if at is not None and at > since:
                must.add((id_, type_))
    by_told: dict[tuple[str, str], list[Received]] = defaultdict(list)
    bodies: dict[str, set[str]] = defaultdict(set)
    for one in received:
        by_told[one.told].append(one)
        bodies[one.id].add(one.body)
    told = {one for one in by_told if one[1].startswith("session.")}
    wrong = [f"Nobody was told {type_} of {id_}" for id_, type_ in sorted(must - told)]
    wrong += [f"{type_} of {id_} was told, and is not so" for id_, type_ in sorted(told - may)]
    wrong += [
        f"{type_} of {id_} came as two messages"
        for (id_, type_), came in sorted(by_told.items())
        if len({one.id for one in came}) > 1 and (id_, type_) in told
    ]
    wrong += [
        f"The message {id_} came with several bodies"
        for id_, all_ in bodies.items()
        if len(all_) > 1
    ]
    return wrong
