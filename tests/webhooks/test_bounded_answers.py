"""The migration that cuts what was stored of receivers, before the table refuses longer texts."""

import pytest
from django.core.management import call_command
from django.db import connection

from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_stored_is_cut_in_slices(owner):
    endpoint = make_endpoint(owner.project)
    kept = make_delivery(endpoint, failure="Answered 500.", response_body="busy")
    call_command("migrate", "webhooks", "0004_deletions_wait", verbosity=0)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO webhook_delivery (id, endpoint_id, type, occurred_at, created_at,"
                " failure, response_body) SELECT webhook_uuid7(), endpoint_id, type, occurred_at,"
                " created_at, CASE WHEN n % 2 = 0 THEN repeat('f', 2000) END,"
                " CASE WHEN n % 3 = 0 THEN repeat('r', 2000) END"
                " FROM webhook_delivery, generate_series(1, 2500) AS n"
            )
    finally:
        call_command("migrate", verbosity=0)
    kept.refresh_from_db()
    assert (kept.failure, kept.response_body) == ("Answered 500.", "busy")
    rows = WebhookDelivery.objects.exclude(id=kept.id).values_list("failure", "response_body")
    assert len(rows) == 2500
    cut = {(len(failure or ""), len(body or "")) for failure, body in rows}
    assert cut == {(0, 0), (500, 0), (0, 1024), (500, 1024)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT convalidated FROM pg_constraint WHERE conname = 'delivery_answer_bounded'"
        )
        assert cursor.fetchall() == [(True,)]
