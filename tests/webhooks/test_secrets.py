"""Secrets of endpoints at rest: encrypted as signing keys are, rotated with them."""

from io import StringIO

from cryptography.fernet import Fernet
from django.core.management import call_command

from kynaplatform import clock
from projects.signing import decrypted
from tests.webhooks.endpoint import URL, make_endpoint
from webhooks.endpoints import endpoint_create, endpoint_rotate_secret
from webhooks.models import WebhookEndpoint


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
