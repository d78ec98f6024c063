"""What a copy of the database sends: nothing, until an operator says that it is the one to send."""

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from kynaplatform import clock
from tests.deploy.own_database import own_database
from tests.documented import commands, database_tools, run
from tests.server import test_database_url as database_url
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.receiver import sending
from tests.webhooks.test_sender_process import START_SECONDS, sender
from webhooks.models import SenderState, WebhookDelivery
from webhooks.sender import Sender

COPY = "the database is a copy of the one that sent them"


def says(*command: str) -> Any:
    out = io.StringIO()
    call_command(*command, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def another_identity() -> None:
    """As of a dump of another database."""
    SenderState.introduce()
    SenderState.objects.update(database_oid=1)


@pytest.mark.django_db(transaction=True)
def test_a_restored_database_sends_nothing_until_it_is_told_to(
    owner, receiver, tmp_path: Path
) -> None:
    endpoint = make_endpoint(owner.project, url=receiver.url)
    delivered = make_delivery(endpoint)
    with sending():
        eventually(
            lambda: WebhookDelivery.objects.get(id=delivered.id).status == "delivered", "it is sent"
        )
    waiting = make_delivery(endpoint)
    tools = {"PATH": database_tools(), "DUMP": str(tmp_path / "dump")}
    dump = 'pg_dump --format=custom --no-owner --no-privileges --file="$DUMP" "$DATABASE_URL"'
    run(dump, tmp_path, {**tools, "DATABASE_URL": database_url()})
    # Without the line of docs/backup.md that pauses: the dump says it by itself.
    restore = commands("backup.md", "pg_restore --dbname")
    restore = restore.replace(".venv/bin/python manage.py pause_webhooks &&", "")
    log = tmp_path / "webhooks.log"

    with own_database() as restored, psycopg.connect(restored, autocommit=True) as database:

        def status() -> tuple[str, int]:
            found = database.execute(
                "SELECT status, tries FROM webhook_delivery WHERE id = %s", [waiting.id]
            )
            return found.fetchone()

        run(restore, tmp_path, {**tools, "DATABASE_URL": restored})
        with sender(tmp_path, "webhooks", restored):
            eventually(
                lambda: f"no webhooks are sent: {COPY}" in log.read_text(),
                log.read_text,
                START_SECONDS,
            )
            assert (status(), len(receiver.received)) == (("waiting", 0), 1)
            resume = commands("backup.md", "resume_webhooks")
            run(resume, tmp_path, {**tools, "DATABASE_URL": restored})
            eventually(lambda: status() == ("delivered", 1), log.read_text)
        assert receiver.ids == [str(delivered.id), str(waiting.id)]
        assert "webhooks are sent again" in log.read_text()
    # The one that the dump was made of goes on.
    with sending():
        eventually(lambda: len(receiver.received) == 3, "it sends too")


@pytest.mark.django_db(transaction=True)
def test_a_pause_stops_a_sender_and_a_resume_lets_it_go_on(owner, receiver) -> None:
    endpoint = make_endpoint(owner.project, url=receiver.url)
    first = make_delivery(endpoint)
    with sending() as running:
        eventually(lambda: receiver.ids == [str(first.id)], "it sends")
        said = says("pause_webhooks")["paused"]
        assert said.startswith("they have been paused since ")
        eventually(lambda: running._paused_for == said, "it has read that")
        second = make_delivery(endpoint)
        assert says("pause_webhooks") == {"paused": said}
        told = says("resume_webhooks")
        second.refresh_from_db()
        assert told["waiting"] == 1
        eventually(lambda: len(receiver.received) == 2, "it sends again")
    assert receiver.ids == [str(first.id), str(second.id)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: None, None),
        (SenderState.introduce, None),
        (lambda: SenderState.objects.create(id=1, system_identifier=1, database_oid=2), COPY),
    ],
)
def test_who_sends_is_known_by_its_identity(make: Callable[[], None], reason: str | None) -> None:
    make()
    assert SenderState.pause_reason() == reason
    # Whoever starts later changes nothing of it.
    SenderState.introduce()
    assert SenderState.pause_reason() == reason
    SenderState.resume()
    assert SenderState.pause_reason() is None
    SenderState.pause(clock.now())
    assert (SenderState.pause_reason() or "").startswith("they have been paused since")


@pytest.mark.django_db
def test_a_copy_for_a_drill_sends_nothing(owner, settings) -> None:
    settings.WEBHOOKS_SEND = False
    delivery = make_delivery(make_endpoint(owner.project))
    assert Sender()._claim(Counter()) == []
    assert SenderState.pause_reason() == "WEBHOOKS_SEND is false"
    delivery.refresh_from_db()
    assert delivery.tries == 0


@pytest.mark.django_db
def test_readiness_and_the_first_page_say_it(owner, admin_client, another_identity) -> None:
    ready = owner.get("/readyz").json()
    assert (ready["status"], ready["webhooks"]) == ("ok", "paused")
    page = admin_client.get("/admin/").content.decode()
    assert f"No webhooks are sent: {COPY}." in page
    assert "Nothing needs attention." not in page
    SenderState.resume()
    assert "No webhooks are sent" not in admin_client.get("/admin/").content.decode()
