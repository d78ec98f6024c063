"""docs/webhooks.md: its receivers, as pasted, and what it says of types and tries."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port, listens
from tests.documented import block
from tests.node import installed_clients, node
from tests.waiting import eventually
from tests.webhooks.endpoint import make_delivery, make_endpoint
from tests.webhooks.test_sending import secret_of, send
from webhooks.models import WAITS, MessageType, WebhookDelivery, WebhookEndpoint

PAGE = "docs/webhooks.md"
TEXT = (PROJECT / PAGE).read_text()

pytestmark = pytest.mark.django_db(transaction=True)


def is_received_by(
    owner, folder: Path, command: list[str], file: str, text: str, env: Mapping[str, str]
) -> None:
    """A message is delivered to the receiver, and one that is signed by another secret is not.

    One of a session that was deleted is taken and dropped.
    """
    port = free_port()
    command = [word.replace("9000", str(port)) for word in command]
    endpoint = make_endpoint(owner.project, url=f"http://127.0.0.1:{port}/kyna")
    (folder / file).write_text(text)
    env = {**os.environ, "KYNA_WEBHOOK_SECRET": secret_of(endpoint), "PORT": str(port), **env}
    log = folder / "log"
    with log.open("wb") as output:
        process = processes.start(command, env=env, cwd=folder, stdout=output)
    try:
        eventually(lambda: listens(port), log.read_text)
        [delivery] = send(make_delivery(endpoint))
        gone = {"session_ids": [str(owner.project.id)]}
        sent = send(make_delivery(endpoint, type="sessions.deleted", data=gone))
        late = {"session_id": str(owner.project.id)}
        sent += send(make_delivery(endpoint, type="session.started", data=late))
        assert {(one.status, one.response_status) for one in (delivery, *sent)} == {
            ("delivered", 204)
        }, log.read_text()
        other = make_endpoint(owner.project)
        WebhookEndpoint.objects.filter(id=endpoint.id).update(
            encrypted_secret=other.encrypted_secret
        )
        [forged] = send(make_delivery(endpoint))
        assert (forged.status, forged.failure) == ("waiting", "Answered 400.")
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 10)])
    told = [line.split(" ") for line in log.read_text().splitlines()]
    assert [words for words in told if words[-1] in {str(one.id) for one in (delivery, *sent)}] == [
        ["movespec.released", str(delivery.id)],
        ["sessions.deleted", str(sent[0].id)],
    ]
    assert WebhookDelivery.objects.count() == 4


def test_the_receiver_with_django_runs_as_pasted(owner, tmp_path):
    text = block(PAGE, "from django.conf").text
    command = [sys.executable, "receiver.py", "runserver", "--noreload", "9000"]
    unset = {"DJANGO_SETTINGS_MODULE": "", "PYTHONPATH": ""}
    is_received_by(owner, tmp_path, command, "receiver.py", text, unset)


def test_the_receiver_with_fastapi_runs_as_pasted(owner, tmp_path):
    text = block(PAGE, "from fastapi").text
    command = [sys.executable, "-m", "uvicorn", "receiver:app", "--port", "9000"]
    is_received_by(owner, tmp_path, command, "receiver.py", text, {"PYTHONPATH": str(tmp_path)})


def test_the_receiver_with_express_runs_as_pasted(owner, tmp_path):
    """The published library for JavaScript verifies what the sender signs."""
    program = node()
    (tmp_path / "node_modules").symlink_to(installed_clients() / "node_modules")
    text = block(PAGE, "import express").text
    is_received_by(owner, tmp_path, [program, "receiver.mjs"], "receiver.mjs", text, {})


def test_the_commands_of_the_page_make_a_webhook_and_test_it(owner, web):
    url = "http://127.0.0.1:9000/kyna"
    variables = {"KYNA_URL": web.base_url, "TOKEN": owner.token, "RECEIVER_URL": url}
    assert made_by('"$RECEIVER_URL"', variables).count('"secret":"whsec_') == 1
    [endpoint] = WebhookEndpoint.objects.all()
    assert endpoint.url == url
    told = made_by("$WEBHOOK_ID/test", {**variables, "WEBHOOK_ID": str(endpoint.id)})
    [delivery] = WebhookDelivery.objects.all()
    assert (delivery.type, told.count(str(delivery.id))) == ("webhook.test", 2)


def made_by(mark: str, variables: Mapping[str, str]) -> str:
    """What the commands of a block print."""
    done = subprocess.run(
        ["sh", "-euc", block(PAGE, mark).text],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_page_has_every_type_and_every_wait():
    told = re.findall(r"^\| `((?:sessions?|movespec|webhook)\.\w+)` \|", TEXT, re.MULTILINE)
    assert told == MessageType.values
    [waits] = re.findall(r"tried again after (.*?), each 10 %", TEXT.replace("\n", " "))
    assert waits == "5 s, 1 and 5 minutes, 20 minutes, 1, 2.5, 5, 8 and 11 hours"
    assert [wait.total_seconds() for wait in WAITS] == [
        5, 60, 300, 1200, 3600, 9000, 18000, 28800, 39600,
    ]  # fmt: skip


def test_a_message_of_the_page_has_the_fields_of_one(owner, receiver):
    endpoint = make_endpoint(owner.project, url=receiver.url)
    [delivery] = send(make_delivery(endpoint))
    shown = block(PAGE, '"sequence": 2').text
    assert re.findall(r'^  "(\w+)":', shown, re.MULTILINE) == re.findall(
        r'"(type|timestamp|sequence|data)":', delivery.body
    )
    assert subprocess.run([sys.executable, "-m", "json.tool"], input=shown.encode(), check=True,
                          capture_output=True).returncode == 0  # fmt: skip
