"""The text that a customer gets with a new key: all that they need but the secret."""

import json
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from kynaplatform.api.names import visible
from projects.models import Credential, CredentialKind, all_scopes

SECRET = "<the secret>"  # noqa: S105 - where it is to be put


def hand_over(request: HttpRequest, credential: Credential) -> str:
    site = request.build_absolute_uri("/").rstrip("/")
    scopes = "everything" if credential.scopes == all_scopes() else ", ".join(credential.scopes)
    expires, kind = credential.expires_at, capfirst(credential.get_kind_display())
    lines = [
        f"Your access to kynaplatform: {credential.project}",
        "",
        f"Address: {site}",
        f"Stream: {_stream()}",
        f"Project id: {credential.project_id}",
        f"{kind}: {visible(credential.name)}, id {credential.pk}",
        f"It may do: {scopes}",
        f"It expires: {f'{expires:%Y-%m-%d %H:%M} UTC' if expires else 'never'}",
        f"Docs: {site}{reverse('guide', args=['start'])}",
        f"Reference: {site}{reverse('docs')}",
        "",
        f"The secret comes apart from this text. Put it in place of {SECRET}, and try:",
        "",
        _curl(site, credential),
    ]
    return "\n".join(lines)


def _curl(site: str, credential: Credential) -> str:
    """One line, as a shell takes it. The answer has an access token."""
    body = json.dumps(body_of(credential))
    return (
        f"curl -sS {site}{reverse('access-tokens')} -H 'Content-Type: application/json' -d '{body}'"
    )


def body_of(credential: Credential) -> dict[str, str]:
    """What mints a token, with SECRET in place of the secret."""
    if credential.kind == CredentialKind.API_KEY:
        return {"api_key": SECRET}
    return {"service_account_id": str(credential.pk), "service_account_secret": SECRET}


def _stream() -> str:
    address = urlsplit(settings.PUBLIC_STREAM_URL)
    return f"{address.scheme}://{address.netloc}"
