"""Staff read what was sent to webhooks and what was answered, and send it again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from uuid_utils.compat import uuid7

from kynaplatform import clock
from movespecs.models import MoveSpec
from tests.admin.session_rows import make_session
from tests.admin.staffing import address, do, do_many, last_history, member, text_of, words
from tests.api.api_requests import nothing_changes
from tests.conftest import Machine
from tests.long_runs import at_length
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint

LIST = address(WebhookDelivery, "changelist")
TOKEN = "T0KEN-of-the-receiver"
URL = f"https://hooks.example/kyna?token={TOKEN}"


@pytest.fixture
def endpoint(owner: Machine) -> WebhookEndpoint:
    return make_endpoint(owner.project, url=URL)


def tried(endpoint: WebhookEndpoint, **more: Any) -> WebhookDelivery:
    now = clock.now()
    return make_delivery(
        endpoint,
        **{
            "status": "failed",
            "tries": 10,
            "tried_at": now,
            "duration_ms": 1500,
            "body": '{"type":"movespec.released","data":{"name":"Squat <b>"}}',
            "response_status": 500,
            "response_body": f"<i>no</i> {TOKEN} whsec_MfKQ9r8GKYqrTwjUPD8ILPZ",
            "failure": "Answered 500.",
            **more,
        },
    )


def rows_of(client: Client, **asked: str) -> list[Any]:
    answer = client.get(LIST, asked)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_a_page_shows_the_request_the_answer_and_why_it_failed(
    support: Client, endpoint: WebhookEndpoint
) -> None:
    delivery = tried(endpoint)
    page = text_of(support.get(address(delivery)))
    assert "Answered 500." in page
    assert "<dd>1,500 ms</dd>" in page
    assert f"<dd>{int(delivery.tried_at.timestamp())}</dd>" in page
    assert "&quot;name&quot;: &quot;Squat &lt;b&gt;&quot;" in page
    assert "&lt;i&gt;no&lt;/i&gt; … whsec_…" in page
    assert "https://hooks.example/kyna?…" in page
    assert address(endpoint) in page


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"status": "waiting", "tries": 3}, "Next try due in a moment"),
        ({"tries": 0, "failure": "The session was deleted."}, "The session was deleted. Customer"),
    ],
)
def test_a_page_says_why_it_failed_and_when_the_next_try_is(
    support: Client, endpoint: WebhookEndpoint, more: dict[str, Any], told: str
) -> None:
    delivery = tried(endpoint, due_at=clock.now() + timedelta(seconds=20), **more)
    assert told in words(support.get(address(delivery)))


def test_no_page_shows_a_secret(superuser: Client, endpoint: WebhookEndpoint) -> None:
    failure = f"Cannot connect to /kyna?token={TOKEN}."
    delivery = tried(endpoint, failure=failure, failure_detail=failure, response_status=None)
    hidden = (TOKEN, "MfKQ9r8GKYqrTwjUPD8ILPZ", bytes(endpoint.encrypted_secret).decode())
    for path in (
        LIST, f"{LIST}csv/", address(delivery), address(endpoint), address(delivery, "history"),
        address(delivery, "send-again"), f"/admin/find/?q={delivery.pk}",
    ):  # fmt: skip
        shown = superuser.get(path).getvalue().decode()
        assert [one for one in hidden if one in shown] == [], path


def test_it_lists_by_status_and_endpoint(
    support: Client, owner: Machine, endpoint: WebhookEndpoint
) -> None:
    made = {
        (to, status): make_delivery(to, status=status).pk
        for to in (make_endpoint(owner.project), endpoint)
        for status in DeliveryStatus
    }
    of_endpoint = {"endpoint__id__exact": str(endpoint.pk)}
    assert rows_of(support) == [*reversed(made.values())]
    assert rows_of(support, **of_endpoint) == [*reversed(made.values())][:4]
    failed = made[endpoint, DeliveryStatus.FAILED]
    assert rows_of(support, **of_endpoint, status__exact="failed") == [failed]
    # No index has the statuses of all endpoints.
    assert support.get(LIST, {"status__exact": "failed"}).status_code == 400


@pytest.mark.parametrize("is_of_endpoint", [False, True])
def test_its_pages_show_each_message_once(
    support: Client, endpoint: WebhookEndpoint, is_of_endpoint: bool
) -> None:
    made = [make_delivery(endpoint, status=status).pk for status in [*DeliveryStatus] * 30]
    query = f"?endpoint__id__exact={endpoint.pk}" if is_of_endpoint else ""
    pages = []
    older: str | None = LIST + query
    while older:
        changelist = support.get(older).context["cl"]
        pages.append([row.pk for row in changelist.result_list])
        older = next((LIST + to for label, to in changelist.neighbours if label == "Older"), None)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [pk for page in pages for pk in page] == made[::-1]
    lines = support.get(f"{LIST}csv/{query}").getvalue().decode().splitlines()
    assert len(lines) == 1 + len(made)


def test_it_finds_by_the_id_of_a_message_or_its_session(
    support: Client, endpoint: WebhookEndpoint, movespec: MoveSpec
) -> None:
    session = make_session(movespec)
    of_it = make_delivery(endpoint, type="session.completed", session_id=session, sequence=2)
    other = make_delivery(endpoint)
    assert rows_of(support, q=session) == [of_it.pk]
    assert rows_of(support, q=str(other.pk)) == [other.pk]
    assert rows_of(support, q=str(endpoint.pk)) == rows_of(support, q="acme") == []
    page = text_of(support.get(f"/admin/sessions_app/detectionsession/{session}/change/"))
    assert f"{LIST}?q={session}" in page


@pytest.mark.parametrize(
    "start", ["x", "newer,x", "older,", "older," + "A" * 32, "newer," + "A" * 32]
)
def test_a_page_that_starts_nowhere_is_refused_or_empty(
    support: Client, endpoint: WebhookEndpoint, start: str
) -> None:
    make_delivery(endpoint)
    answer = support.get(LIST, {"p": start})
    if start == "older," + "A" * 32:  # the first of moments
        assert answer.context["cl"].result_list == []
    else:
        assert answer.status_code == 400


def test_it_is_sent_again_with_ten_tries_anew(operator: Client, endpoint: WebhookEndpoint) -> None:
    delivery = tried(endpoint)
    answer = do(operator, delivery, "send-again", "They were down.")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("waiting", 0)
    assert "Next try due" in text_of(answer)
    name = f"Acme / owner / {delivery.pk}"
    assert last_history(delivery) == (
        "operators", name,
        f"Queued the message {name} to be sent again.\nReason: They were down.",
    )  # fmt: skip


def test_one_that_can_not_be_sent_now_is_left_alone(
    operator: Client, owner: Machine, endpoint: WebhookEndpoint
) -> None:
    later = clock.now() + timedelta(seconds=20)
    sending = tried(endpoint, status="waiting", claim_id=uuid7(), due_at=later)
    off = make_endpoint(owner.project, disabled_at=clock.now(), disabled_reason="gone")
    for delivery, told in (
        (sending, "It is being sent at this moment."),
        (tried(off), "The webhook is disabled: enable it first."),
        (
            tried(endpoint, type="session.failed", session_id=uuid7(), sequence=2),
            "The session of the message was deleted",
        ),
    ):
        with nothing_changes():
            answer = operator.post(address(delivery, "send-again"), {"reason": "x"})
        assert answer.status_code == 409
        assert told in text_of(answer)
        assert address(delivery, "send-again") not in text_of(operator.get(address(delivery)))


def test_many_are_sent_again_from_the_list(operator: Client, endpoint: WebhookEndpoint) -> None:
    rows = [tried(endpoint) for _ in range(3)]
    kept = tried(endpoint)
    done = do_many(operator, rows, "send-again", confirmed="yes", reason="They were down.")
    assert "Sent again 3 of 3." in text_of(done)
    kept.refresh_from_db()
    assert kept.status == "failed"
    assert WebhookDelivery.objects.filter(status="waiting").count() == 3


@at_length("role", "support", "release managers")
def test_who_only_looks_sends_nothing(endpoint: WebhookEndpoint, role: str) -> None:
    client = member(role)
    delivery = tried(endpoint)
    page = text_of(client.get(address(delivery)))
    assert "Answered 500." in page
    assert address(delivery, "send-again") not in page
    with nothing_changes():
        assert client.get(address(delivery, "send-again")).status_code == 403
        assert client.post(address(delivery, "send-again"), {"reason": "x"}).status_code == 403
        do_many(client, [delivery], "send-again", confirmed="yes", reason="x")
        assert client.post(address(delivery), {"status": "waiting"}).status_code == 403
    assert LogEntry.objects.count() == 0
