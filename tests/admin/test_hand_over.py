"""What a customer gets with a new key: one text, whole but for the secret; and what it may do."""

import json
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from projects.models import ALL_SCOPES, ApiKey, ServiceAccount
from staff.actions.credentials import WORDS, ScopesField
from tests.admin.credential_pages import SECRET, issue, issue_page
from tests.admin.staffing import text_of
from tests.admin.test_onboarding import ONBOARD, wanted
from tests.conftest import Machine


def text_to_send(answer: Any) -> str:
    text: str = answer.context["hand_over"]
    return text


def test_onboarding_ends_with_one_text_to_send(operator: Client, signing_key: None) -> None:
    answer = operator.post(ONBOARD, wanted(scopes=["sessions:write"]))

    issued = ApiKey.objects.select_related("project__organization").get()
    sent = text_to_send(answer)
    assert sent.splitlines()[:9] == [
        "Your access to kynaplatform: Acme / iOS app",
        "",
        "Address: http://testserver",
        "Stream: ws://127.0.0.1:8001",
        f"Project id: {issued.project_id}",
        f"API key: Tablets, id {issued.pk}",
        "It may do: sessions:write",
        "It expires: never",
        "Docs: http://testserver/docs/start",
    ]
    assert not SECRET.search(sent)
    assert len(SECRET.findall(text_of(answer))) == 1
    for path in re.findall(r"http://testserver(/\S+)", sent):
        if not path.startswith("/api/auth"):
            assert Client().get(path).status_code == 200


@pytest.mark.parametrize("model", [ApiKey, ServiceAccount])
def test_its_curl_line_mints_a_token_once_the_secret_is_in_it(
    operator: Client, owner: Machine, model: Any
) -> None:
    answer = issue(operator, owner, model)
    (secret,) = SECRET.findall(text_of(answer))
    line = text_to_send(answer).splitlines()[-1]
    program, _quiet, address, _h, header, _d, body = shlex.split(line)
    assert (program, header) == ("curl", "Content-Type: application/json")
    given = json.loads(body.replace("<the secret>", secret))
    path = address.removeprefix("http://testserver")
    minted = Client().post(path, given, content_type="application/json")
    assert minted.status_code == 201


def test_each_scope_has_a_plain_line_and_presets_are_of_known_ones(
    operator: Client, owner: Machine
) -> None:
    assert set(WORDS) >= ALL_SCOPES
    presets = {scope for one in ScopesField().presets for scope in one["joined"].split()}
    assert presets == ALL_SCOPES
    page = text_of(operator.get(issue_page(owner)))
    assert "sessions:write: create sessions, finalize and cancel them" in page
    assert page.count("data-scopes=") == 4
