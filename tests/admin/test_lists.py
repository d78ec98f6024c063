"""What an address may ask: what its page offers. All else is 400 and shows no row."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import product
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from movespecs.models import MoveSpec
from projects.credentials import credential_issue
from projects.models import ApiKey, CredentialKind, Organization, Project, SigningKey
from staff.lists import MAX_SEARCH, StrictAdmin
from tests.admin.staffing import address, member, text_of
from tests.conftest import Machine, make_machine
from tests.erasure.people import ask_to_erase
from tests.long_runs import one_in
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import WebhookEndpoint

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
LOOKUPS = ("", "exact", "startswith", "regex", "gt", "isnull", "in", "range", "contains")
VALUES = {"regex": "(", "isnull": "False"}
KNOWN = {"q", "p", "o", "all", "_popup", "_to_field"}
LINK = re.compile(r'(?:href|action)="([^"#]*\?[^"#]*)')


@pytest.fixture
def populated(owner: Machine, outsider: Machine, movespec: MoveSpec) -> Machine:
    """At least a row of every model, and one that a filter would leave out."""
    credential_issue(project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
    owner.create_session(movespec)
    ask_to_erase(owner.project)
    make_delivery(make_endpoint(owner.project))
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    client.post(address(owner.project, "suspend"), {"reason": "Asked for."})
    client.post(address(owner.project, "resume"), {"reason": "Asked for."})
    return owner


def model_page(model: type[Model]) -> Any:
    return admin.site._registry[model]


def action_names(model: type[Model]) -> list[str]:
    return [action.name for action in getattr(model_page(model), "staff_actions", ())]


def columns(model: type[Model], prefix: str = "", depth: int = 2) -> Iterator[str]:
    """Every field of the model, and of the models that it leads to and that lead to it."""
    for field in model._meta.get_fields(include_hidden=True):
        name = prefix + field.name
        yield name
        if field.is_relation and field.related_model and depth > 1:
            yield from columns(field.related_model, f"{name}__", depth - 1)


def offered(model: type[Model], client: Client) -> set[str]:
    """The parameters of the filters that the list has."""
    page = model_page(model)
    request = client.get(address(model, "changelist")).wsgi_request
    found = set()
    for one in page.get_list_filter(request):
        if isinstance(one, type):
            found.add(one.parameter_name)
        else:
            field, made = one if isinstance(one, tuple) else (one, admin.FieldListFilter.create)
            spec = made(
                get_fields_from_path(model, field)[-1], request, {}, model, page, field_path=field
            )
            found.update(spec.expected_parameters())
    return found


def is_refused(answer: Any, status: int = 400) -> bool:
    assert answer.status_code == status, answer.request["QUERY_STRING"]
    assert answer["Content-Type"].startswith("text/html")
    assert not {"cl", "original"} & {name for one in answer.context or [] for name in one.flatten()}
    return True


def test_every_page_is_bound_to_what_it_offers() -> None:
    unbound = {
        type(page) for page in admin.site._registry.values() if not isinstance(page, StrictAdmin)
    }
    assert unbound == set()
    assert {User, Group, ApiKey, SigningKey} <= set(REGISTERED)


@one_in(67)
def test_no_column_can_be_asked_for_but_by_a_filter(populated: Machine, every: int) -> None:
    client = member("operators")
    for model in REGISTERED:
        known = offered(model, client) | KNOWN
        asked = {
            f"{column}__{lookup}" if lookup else column: VALUES.get(lookup, "a")
            for column in columns(model)
            for lookup in (("startswith",) if "__" in column else LOOKUPS)
        }
        refused = [(name, value) for name, value in asked.items() if name not in known]
        assert len(refused) > 40
        for name, value in refused[::every]:
            assert is_refused(client.get(address(model, "changelist"), {name: value}))


@one_in(17)
def test_nothing_that_an_address_asks_is_an_error_of_ours(populated: Machine, every: int) -> None:
    client = member("operators")
    queries = [
        "all=yes", "_popup=2", "p=0", "p=-1", "p=x", "p=2", f"p={'9' * 5000}", "p=%D9%A1", "o=99",
        "o=x", "o=1.1", f"o={10**30}", "o=--1", "q=%00", "x=%00", "%00=x", f"q={'a+' * 300}",
        "_to_field=secret_hash", "_to_field=%00",
    ]  # fmt: skip
    wrong = ["x", "%00", "(", "2026-02-30", "None", "a" * 5000, str(10**30)]
    for model in REGISTERED:
        filters = [f"{name}={value}" for name, value in product(offered(model, client), wrong)]
        for query in [*queries, *sorted(filters)][::every]:
            answer = client.get(f"{address(model, 'changelist')}?{query}")
            assert answer.status_code in (200, 400), query


@pytest.mark.parametrize("query", ["q=a&q=b", "_to_field=name", "no_such=1", f"q={'a' * 201}"])
def test_what_no_list_has_is_refused(owner: Machine, query: str) -> None:
    assert is_refused(member("operators").get(f"{address(Project, 'changelist')}?{query}"))


@one_in(29)
def test_whatever_a_page_links_to_works(populated: Machine, every: int) -> None:
    """Each filter, order, page and link of each list, of a row's page and of the index."""
    client = member("operators")
    linked: dict[str, None] = {}
    for model in REGISTERED:
        row = model._default_manager.first()
        assert row is not None
        for page in ("/admin/", address(model, "changelist"), address(row)):
            for link in LINK.findall(text_of(client.get(page))):
                where = unescape(link)
                to = where if where.startswith("/") else page + where
                if to.startswith("/admin/"):
                    linked[to] = None
    assert len(linked) > 200
    for to in list(linked)[::every]:
        assert client.get(to).status_code == 200, to


def test_a_list_is_sorted_by_the_columns_that_it_sorts_by(owner: Machine) -> None:
    for name in ("b", "c", "a"):
        make_machine(owner.organization, name)
    client = member("operators")
    for order, names in (("1", ["a", "b", "c", "owner"]), ("-1", ["owner", "c", "b", "a"])):
        rows = client.get(address(Project, "changelist"), {"o": order}).context["cl"].result_list
        assert [row.name for row in rows] == names
    # By its address a webhook would tell what is hidden of that.
    urls = {make_endpoint(owner.project).pk for _ in range(3)}
    page = address(WebhookEndpoint, "changelist")
    shown = [row.pk for row in client.get(page, {"o": "1"}).context["cl"].result_list]
    assert shown == sorted(urls, reverse=True)


def test_a_page_beyond_the_last_is_refused(owner: Machine) -> None:
    Project.objects.bulk_create(
        Project(organization=owner.organization, name=f"{number}") for number in range(60)
    )
    client, path = member("operators"), address(Project, "changelist")
    assert len(client.get(path, {"p": 2}).context["cl"].result_list) == 11
    assert is_refused(client.get(path, {"p": 3}))


@one_in(6)
def test_a_search_is_by_what_is_shown(populated: Machine, every: int) -> None:
    client = member("operators")
    user = User.objects.get(username="root")
    user.set_password("four unrelated plain words")
    user.save()
    secret = bytes(ApiKey.objects.order_by("id")[0].secret_hash).hex()
    for model in REGISTERED:
        columns = {asked.lstrip("=^@").split("__")[-1] for asked in model_page(model).search_fields}
        assert columns <= {
            "id", "name", "username", "first_name", "last_name", "email", "reason",
            "content_hash", "object_id", "object_repr", "session_id",
            "project_id", "organization_id",
        }  # fmt: skip
    hidden = (secret, secret[:8], user.password, user.password[:25], "pbkdf2_sha256")
    for model, text in [*product(REGISTERED, hidden)][::every]:
        answer = client.get(address(model, "changelist"), {"q": text})
        assert list(answer.context["cl"].result_list) == []
    page = text_of(client.get(address(user)))
    _, _, salt, digest = user.password.split("$")
    assert user.username in page
    assert not {part for part in (salt, digest, secret) if part in page}


# --- Rows, forms and autocompletion ------------------------------------------------------


@one_in(17)
def test_no_id_is_an_error_of_ours(populated: Machine, every: int) -> None:
    client = member("operators")
    wrong = ["x", "%00", "a%00b", str(10**30), "-1", "1e3", "%0a", "a/b", "_00", "x" * 2000]
    pages = [
        (address(model, "changelist"), name)
        for model in REGISTERED
        for name in ("change", "history", "delete", *action_names(model))
    ]
    for (path, name), object_id in list(product(pages, wrong))[::every]:
        answer = client.get(f"{path}{object_id}/{name}/")
        expected = {400} if "%00" in object_id else {302, 403, 404}
        assert answer.status_code in expected


@pytest.mark.parametrize("model", [Organization, Project, User, Group])
def test_a_link_fills_in_no_form(owner: Machine, model: type[Model]) -> None:
    client = member("operators")
    chosen = "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"
    asked = {
        "organization": "x", "project": "x", "permissions": "x", "groups": "y", "name": "Chosen",
        "chosen_id": chosen, "username": "Chosen", "expires_at": "x", "_changelist_filters": "%",
    }  # fmt: skip
    answer = client.get(address(model, "add"), asked)
    assert answer.status_code == 200
    assert 'value="Chosen"' not in text_of(answer)
    assert f'value="{chosen}"' not in text_of(answer)


def autocomplete(client: Client, **asked: Any) -> Any:
    source = {"app_label": "projects", "model_name": "project", "field_name": "organization"}
    return client.get("/admin/autocomplete/", {**source, **asked})


def test_autocompletion_finds_by_name(outsider: Machine) -> None:
    found = autocomplete(member("operators"), term="else").json()
    assert [one["text"] for one in found["results"]] == [
        f"Elsewhere · {str(outsider.organization.pk)[:8]}"
    ]
    assert found["pagination"] == {"more": False}


def test_autocompletion_takes_a_term_and_a_page(owner: Machine) -> None:
    client = member("operators")
    wrong: list[dict[str, Any]] = [
        {"term": "\0"},
        {"term": "a" * (MAX_SEARCH + 1)},
        {"term": ["a", "b"]},
        {"secret_hash__startswith": "a"},
        {"to_field": "name"},
        {"model_name": "\0"},
    ]
    for asked in wrong:
        assert is_refused(autocomplete(client, **asked))


def test_autocompletion_is_of_what_has_a_page(owner: Machine) -> None:
    client = member("operators")
    for asked in [
        {"field_name": "secret_hash"},
        {"field_name": "no_such"},
        {"model_name": "no_such"},
        {"app_label": "auth", "model_name": "group", "field_name": "permissions"},
    ]:
        assert autocomplete(client, **asked).status_code == 403
    # Nor of people, to those who may not see them.
    people = {"app_label": "admin", "model_name": "logentry", "field_name": "user"}
    assert autocomplete(member("support"), **people).status_code == 403


def test_no_page_shows_where_a_row_is_on_the_site(owner: Machine) -> None:
    client = member("operators")
    for path in ("r/7/xyz/", f"r/x/{owner.project.pk}/", f"r/{10**30}/1/"):
        assert client.get(f"/admin/{path}").status_code == 404
