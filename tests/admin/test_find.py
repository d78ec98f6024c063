"""The box on every page: an organization, project, key, MoveSpec or session by name or any id."""

import html
import logging
from datetime import timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kynaplatform import clock
from movespecs.models import MoveSpec, MoveSpecDraft
from projects.credentials import credential_issue
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    CredentialKind,
    Organization,
    Project,
    ServiceAccount,
    SigningKey,
    suspend,
)
from sessions_app.models import DetectionSession
from staff.search import BY_ID, MAX_FOUND, NAMED
from tests.admin.staffing import address, text_of
from tests.api.api_requests import database_state
from tests.conftest import Machine, make_released
from tests.long_runs import one_in
from tests.webhooks.endpoint import make_delivery, make_endpoint

FIND = "/admin/find/"
TYPED = "/admin/find/typed/"
each_address = pytest.mark.parametrize("path", [FIND, TYPED])


@pytest.fixture
def three_projects(db: None) -> list[Project]:
    """Three projects called iOS app, of three customers."""
    return [
        Project.objects.create(
            organization=Organization.objects.create(name=customer), name="iOS app"
        )
        for customer in ("Acme Fitness", "Borealis Health", "Cedar Physio")
    ]


def found(client: Client, text: str, path: str = FIND) -> dict[str, list[tuple[str, str]]]:
    """Kind → name and address of each row that is shown."""
    response = client.get(path, {"q": text})
    assert response.status_code == 200, text_of(response)
    page = text_of(response)
    return {
        group["kind"]: [(one["name"], one["address"]) for one in rows]
        for group in response.context["groups"]
        if (rows := group["rows"])
        and all(html.escape(one["name"]) in page and one["address"] in page for one in rows)
    }


def names(client: Client, text: str) -> dict[str, list[str]]:
    return {kind: [name for name, _ in rows] for kind, rows in found(client, text).items()}


@each_address
def test_words_find_a_project_by_its_customer_and_its_name_together(
    support: Client, three_projects: list[Project], path: str
) -> None:
    sought = three_projects[1]
    expected = {"Projects": [("Borealis Health / iOS app", address(sought))]}
    for text in (
        "borealis ios app", "IOS borealis", "Borealis Health / iOS app", '"health" "ios app"'
    ):  # fmt: skip
        assert found(support, text, path) == expected
    assert found(support, "borealis android", path) == {}


def test_what_belongs_to_a_customer_is_named_and_found_by_it(
    support: Client, three_projects: list[Project]
) -> None:
    for project in three_projects:
        for kind in (CredentialKind.API_KEY, CredentialKind.SERVICE_ACCOUNT):
            credential_issue(project=project, kind=kind, name="production")
        make_released(project, name="Squat")
    cedar = "Cedar Physio / iOS app"
    assert names(support, "cedar") == {
        "Organizations": ["Cedar Physio"],
        "Projects": [cedar],
        "API keys": [f"{cedar} / production"],
        "Service accounts": [f"{cedar} / production"],
        "MoveSpecs": [f"{cedar} / Squat"],
    }
    assert names(support, "cedar squat") == {"MoveSpecs": [f"{cedar} / Squat"]}
    assert len(names(support, "production")["API keys"]) == 3


@one_in(7)
def test_any_id_is_found_whole_short_or_within_a_text(
    support: Client, owner: Machine, movespec: MoveSpec, every: int
) -> None:
    created = owner.create_session(movespec).json()
    service, _ = credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="ci"
    )
    endpoint = make_endpoint(owner.project)
    rows: list[Any] = [
        owner.organization, owner.project, ApiKey.objects.get(),
        ServiceAccount.objects.get(pk=service.pk), AccessToken.objects.first(),
        SigningKey.objects.first(), movespec, movespec.current_released_version,
        MoveSpecDraft.objects.get(movespec=movespec),
        DetectionSession.objects.get(id=created["session_id"]), endpoint, make_delivery(endpoint),
    ]  # fmt: skip
    assert {type(row) for row in rows} == set(NAMED + BY_ID)
    asked = [
        (row, text)
        for row in rows
        for text in (
            f"{row.pk}", f" {row.pk} ", str(row.pk).upper(), row.pk.hex, f"{row.pk}"[:8],
            f"{row.pk}"[:13], f"session {row.pk}: closed", f"Key ({row.pk})",
        )
    ]  # fmt: skip
    for row, text in asked[::every]:
        shown = {path for _, path in chain.from_iterable(found(support, text).values())}
        # Ids of one minute begin alike if they begin with their time.
        alike = [one for one in rows if str(one.pk).startswith(text)] or [row]
        assert shown == set(map(address, alike)), text
    for row in rows[::every]:
        assert found(support, row.pk.hex[:7]) == {}


def test_a_name_of_hexadecimal_digits_is_found_beside_an_id(support: Client) -> None:
    named = Organization.objects.create(name="deadbeef 12")
    by_id = Organization.objects.create(id=UUID("deadbeef" + "0" * 24), name="Acme")
    assert [path for _, path in found(support, "DEADBEEF")["Organizations"]] == [
        address(by_id), address(named),
    ]  # fmt: skip


def test_those_called_so_come_first_then_the_newest(support: Client) -> None:
    now = clock.now()
    for age, name in enumerate(("The ios", "iOS old", "My iOS", "ios", "iOS new")):
        Organization.objects.create(name=name, created_at=now - timedelta(days=age))
    assert names(support, "ios") == {
        "Organizations": ["ios", "The ios", "iOS old", "My iOS", "iOS new"]
    }
    # Of one customer, the one that is called so comes before a newer one that begins so.
    customer = Organization.objects.get(name="ios")
    for name in ("Android", "Android beta"):
        Project.objects.create(organization=customer, name=name)
    both = ["ios / Android", "ios / Android beta"]
    assert names(support, "ios android")["Projects"] == both


def test_of_many_it_shows_a_few_and_leads_to_a_list_of_exactly_those(
    support: Client, three_projects: list[Project]
) -> None:
    for project in three_projects:
        for number in range(MAX_FOUND):
            credential_issue(project=project, kind=CredentialKind.API_KEY, name=f"ci {number}")
            make_released(project, name=f"Ci {number}")
    for text in ("ci", "ci ios", "Acme Fitness / iOS app / ci"):
        groups = support.get(FIND, {"q": text}).context["groups"]
        expected = MAX_FOUND if "Acme" in text else 3 * MAX_FOUND
        *groups, sessions = groups
        assert (sessions["kind"], sessions["rows"]) == ("Detection sessions", [])
        for group in groups:
            assert len(group["rows"]) == MAX_FOUND
            assert (group["all"] is None) == (expected == MAX_FOUND)
            model = ApiKey if group["kind"] == "API keys" else MoveSpec
            every = group["all"] or f"{address(model, 'changelist')}?{urlencode({'q': text})}"
            assert support.get(every).context["cl"].result_count == expected
        assert {group["kind"] for group in groups} == {"API keys", "MoveSpecs"}


@pytest.mark.parametrize("text", ["acme", "squat", "owner squat", "{0}"])
def test_a_name_of_sessions_leads_to_the_list_that_finds_them(
    support: Client, owner: Machine, movespec: MoveSpec, text: str
) -> None:
    session_id = owner.create_session(movespec).json()["session_id"]
    text = text.format(owner.organization.pk)
    group = support.get(FIND, {"q": text}).context["groups"][-1]
    assert (group["kind"], group["rows"]) == ("Detection sessions", [])
    for path in (FIND, TYPED):
        assert html.escape(group["all"]) in text_of(support.get(path, {"q": text}))
    listed = support.get(group["all"]).context["cl"].result_list
    assert [str(one.pk) for one in listed] == [session_id]


def test_it_shows_the_state_of_what_it_finds(
    support: Client, owner: Machine, movespec: MoveSpec
) -> None:
    suspend(owner.project, now=clock.now())
    Credential.objects.update(revoked_at=clock.now())
    page = text_of(support.get(FIND, {"q": "owner"}))
    assert '<span class="badge bad">suspended</span>' in page
    assert '<span class="badge bad">revoked</span>' in page


def test_staff_without_permission_find_nothing_and_strangers_are_sent_to_the_login(
    owner: Machine, movespec: MoveSpec
) -> None:
    client = Client()
    client.force_login(User.objects.create_user("s", is_staff=True))
    before = database_state()
    for text in ("owner", "squat", str(owner.project.id), str(owner.credential.id)):
        assert found(client, text) == {}
    assert "Nothing that you may see" in text_of(client.get(FIND, {"q": "owner"}))
    for path in (FIND, TYPED):
        assert Client().get(path, {"q": "owner"}).status_code == 302
    client.force_login(User.objects.create_user("customer"))
    assert client.get(FIND, {"q": "owner"}).status_code == 302
    after = database_state()
    for table in ("django_session", "auth_user"):  # by the logins of this test
        del before[table], after[table]
    assert after == before


@pytest.mark.parametrize(
    "query",
    ["q=%00", f"q={'aa+' * 68}", f"q={'a+' * 11}", "q=a&q=b", "q=a&p=2", "name=a"],
    ids=["NUL", "long", "many words", "twice", "page", "unknown"],
)
def test_what_it_does_not_offer_is_refused(support: Client, query: str) -> None:
    for path in (FIND, TYPED):
        assert support.get(f"{path}?{query}").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        FIND, TYPED, "/admin/projects/apikey/", "/admin/projects/project/",
        "/admin/sessions_app/detectionsession/", "/admin/admin/logentry/",
    ],
)  # fmt: skip
def test_a_secret_is_neither_sought_nor_shown_nor_logged(
    support: Client, owner: Machine, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    pasted = (owner.secret, f"  {owner.secret[:20]}", f"key {owner.secret}", owner.token)
    for text in pasted:
        with CaptureQueriesContext(connection) as statements:
            answer = support.get(path, {"q": text})
        assert answer.status_code == 400
        assert "No secrets here" in text_of(answer)
        told = [text_of(answer), caplog.text, *(one["sql"] for one in statements)]
        assert not any(text.strip()[4:] in one for one in told)
        assert not any(owner.secret.split("_", 3)[-1] in one for one in told)


def test_the_public_part_of_a_secret_finds_its_key(support: Client, owner: Machine) -> None:
    key_id = owner.secret.split("_")[2]
    assert list(chain(*found(support, key_id).values())) == [
        ("Acme / owner / owner's key", address(ApiKey.objects.get()))
    ]


def test_many_words_are_refused_in_lists_too_but_not_around_an_id(
    support: Client, owner: Machine
) -> None:
    line = f"a b c d e f g h i j k {owner.project.id}"
    for path in (address(Project, "changelist"), address(LogEntry, "changelist")):
        assert support.get(path, {"q": "a " * 10}).status_code == 200
        assert support.get(path, {"q": "a " * 11}).status_code == 400
        assert support.get(path, {"q": line}).status_code == 200
    assert found(support, line) == {"Projects": [("Acme / owner", address(owner.project))]}


def test_names_are_shown_as_text(support: Client) -> None:
    Organization.objects.create(name="<script>alert(1)</script> & Sons")
    for path in (FIND, TYPED):
        page = text_of(support.get(path, {"q": "<script> sons"}))
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in page
        assert "<script>alert" not in page
