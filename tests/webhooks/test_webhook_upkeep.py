"""What is kept of webhooks: deliveries for 30 days, and secrets encrypted as signing keys are."""

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from kynaplatform import clock
from projects.signing import decrypted
from tests.webhooks.endpoint import URL, make_delivery, make_endpoint
from webhooks import tasks
from webhooks.endpoints import endpoint_create, endpoint_delete, endpoint_rotate_secret
from webhooks.models import WebhookDelivery, WebhookEndpoint


def id_at(moment, number):
    return UUID(int=(int(moment.timestamp() * 1000) << 80) + number)


@pytest.mark.parametrize("slice_size", [1, 3, 1000])
def test_what_is_older_than_30_days_goes(owner, slice_size):
    endpoint, now = make_endpoint(owner.project), clock.now()
    edge = now - timedelta(days=30)
    for number in range(7):
        make_delivery(endpoint, id=id_at(edge - timedelta(milliseconds=2), number))
    kept = make_delivery(endpoint, id=id_at(edge + timedelta(milliseconds=2), 1))
    assert tasks.deliveries_prune(now=now, slice_size=slice_size) == 7
    assert list(WebhookDelivery.objects.all()) == [kept]


def test_a_deleted_endpoint_goes_with_its_deliveries(owner):
    deleted, other = make_endpoint(owner.project), make_endpoint(owner.project)
    for _ in range(3):
        make_delivery(deleted)
    kept = make_delivery(other)
    endpoint_delete(endpoint=deleted, now=clock.now())
    assert tasks.prune_deliveries() == 4
    assert list(WebhookDelivery.objects.all()) == [kept]
    assert list(WebhookEndpoint.objects.all()) == [other]


def test_they_are_encrypted_anew_with_the_signing_keys(owner, settings):
    endpoint, first = endpoint_create(project_id=owner.project.id, url=URL, now=clock.now())
    _, second = endpoint_rotate_secret(endpoint_id=endpoint.id, now=clock.now())
    lost = make_endpoint(owner.project, encrypted_secret=b"by a secret that is gone")
    newer = Fernet.generate_key().decode()
    settings.SIGNING_KEY_SECRETS = [newer, *settings.SIGNING_KEY_SECRETS]
    call_command("rotate_signing_key", stdout=StringIO())
    settings.SIGNING_KEY_SECRETS = [newer]
    endpoint.refresh_from_db()
    kept = (endpoint.encrypted_secret, endpoint.encrypted_previous_secret)
    assert [decrypted(bytes(one)) for one in kept] == [second.encode(), first.encode()]
    assert bytes(WebhookEndpoint.objects.get(id=lost.id).encrypted_secret) == (
        b"by a secret that is gone"
    )
