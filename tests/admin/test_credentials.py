"""API keys and service accounts in the admin: issued, rotated, revoked; a secret is shown once."""

import html
import json
import logging
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from kynaplatform.api.errors import Conflict
from projects import suspension
from projects.access_tokens import access_token_mint
from projects.authentication import authenticate_token
from projects.credentials import (
    credential_issue,
    credential_revoke,
    credential_rotate,
    credential_verify,
)
from projects.models import (
    AccessToken,
    ApiKey,
    Credential,
    CredentialKind,
    Organization,
    Project,
    ServiceAccount,
)
from projects.scopes import Scope
from staff.full_names import full_name
from tests.admin.staffing import address, member, text_of
from tests.api.asking import nothing_changes, refused
from tests.concurrency.racing import race
from tests.conftest import MOVESPECS, TOKENS, Machine

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
SECRET = re.compile(r"kyna_s[ka]_[0-9a-f]{32}_[A-Za-z0-9_-]{43}")
LEVELS = pytest.mark.parametrize("level", ["organization", "project"])
KINDS = pytest.mark.parametrize("model", [ApiKey, ServiceAccount])


@pytest.fixture
def operator(db: None) -> Client:
    return member("operators")


def wanted(**given: Any) -> dict[str, Any]:
    return {
        "name": "Gateway",
        "scopes": list(Scope.values),
        "expires_at": "",
        "chosen_id": str(uuid.uuid4()),
        **given,
    }


def issue(client: Client, owner: Machine, model: Any = ApiKey, **given: Any) -> Any:
    return client.post(issue_page(owner, model), wanted(**given))


def issue_page(owner: Machine, model: Any = ApiKey) -> str:
    return address(owner.project, "issue-api-key" if model is ApiKey else "issue-service-account")


def seen(credential: Credential) -> str:
    """What the hidden field of the page holds."""
    expires_at = Credential.objects.get(id=credential.id).expires_at
    return "" if expires_at is None else f"{expires_at:%Y-%m-%d %H:%M:%S.%f}"


def rotate(client: Client, row: Credential, **given: Any) -> Any:
    data = {"overlap": "24", "reason": "Leaked", "expires_at": "", "seen_expires_at": seen(row)}
    return client.post(address(row, "rotate"), data | given)


def key(machine: Machine) -> ApiKey:
    return ApiKey.objects.get(id=machine.credential.id)


def secret_of(response: Any) -> str:
    """The secret that a page shows, which it does once."""
    assert response.status_code == 200
    (secret,) = SECRET.findall(text_of(response))
    return str(secret)


def mint_with(secret: str) -> Any:
    return Client().post(TOKENS, {"api_key": secret}, content_type="application/json")


def histories(row: Model) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(row.pk)).order_by("id")
    return [entry.get_change_message() for entry in entries]


def every_text() -> str:
    """All rows of all tables, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t')  # noqa: S608
            rows += [line for (line,) in cursor.fetchall()]
    return "\n".join(rows)


# --- Issuing -----------------------------------------------------------------------------


def test_operators_issue_a_key_with_scopes_and_an_expiry(operator: Client, owner: Machine) -> None:
    given = wanted(scopes=["sessions:write", "movespecs:read"], expires_at="2999-12-31T23:59")

    secret = secret_of(operator.post(issue_page(owner), given))

    issued = ApiKey.objects.get(name="Gateway")
    assert str(issued.id) == given["chosen_id"]
    assert issued.project == owner.project
    assert issued.scopes == ["movespecs:read", "sessions:write"]
    assert issued.expires_at == datetime.fromisoformat("2999-12-31T23:59Z")
    minted = mint_with(secret)
    assert minted.status_code == 201
    token = minted.json()["access_token"]
    assert owner.call("GET", MOVESPECS, token=token).status_code == 200
    refused(
        owner.call("POST", MOVESPECS, {"name": "x"}, token=token),
        403, "insufficient_scope", required_scope="movespecs:write",
    )  # fmt: skip
    assert histories(issued) == ["Issued."]
    assert histories(owner.project) == [f"Issued API key Acme / owner / {issued}."]


def test_operators_issue_a_service_account(operator: Client, owner: Machine) -> None:
    response = issue(operator, owner, ServiceAccount)

    secret = secret_of(response)
    account = ServiceAccount.objects.get()
    body = {"service_account_id": str(account.id), "service_account_secret": secret}
    assert html.unescape(text_of(response)).count(
        json.dumps(body).replace(secret, "<the secret>")
    ) == 1  # fmt: skip
    assert Client().post(TOKENS, body, content_type="application/json").status_code == 201
    assert account.scopes == sorted(Scope.values)


def test_all_scopes_are_chosen_at_first_and_no_expiry(operator: Client, owner: Machine) -> None:
    form = operator.get(issue_page(owner)).context["form"]

    assert form["scopes"].value() == sorted(Scope.values)
    assert form["expires_at"].value() is None
    again = operator.get(issue_page(owner)).context["form"]
    assert form["chosen_id"].value() != again["chosen_id"].value()


@KINDS
def test_who_begins_at_the_keys_chooses_the_project_by_its_customer(
    operator: Client, owner: Machine, model: Any
) -> None:
    page = address(model, "add")
    with nothing_changes():
        nobody = operator.post(page, {"project": ""})
        chosen = operator.post(page, {"project": str(owner.project.id)})

    assert nobody.context["form"].errors == {"project": ["This field is required."]}
    assert (chosen.status_code, chosen["Location"]) == (302, issue_page(owner, model))


@KINDS
def test_who_issues_sees_whose_it_will_be_and_whose_it_is(
    operator: Client, owner: Machine, outsider: Machine, model: Any
) -> None:
    """Three customers have a project of one name."""
    third = Organization.objects.create(name="Third")
    Project.objects.create(name="ios APP", organization=third)
    Project.objects.filter(id__in=[owner.project.id, outsider.project.id]).update(name="iOS app")

    asked = operator.get(issue_page(owner, model))

    kind = "an API key" if model is ApiKey else "a service account"
    assert asked.context["title"] == f"Issue {kind} for Acme / iOS app"
    assert asked.context["effects"][:2] == [
        "It is for Acme / iOS app, and works for no other project.",
        "Not meant are: Third / ios APP, Elsewhere / iOS app.",
    ]
    shown = issue(operator, owner, model)
    assert shown.context["title"] == "The secret of Acme / iOS app / Gateway"
    assert f'<a href="{address(owner.project)}">Acme / iOS app</a>' in text_of(shown)
    issued = model.objects.get(name="Gateway")
    assert issued.project == owner.project
    for page in (address(issued), address(issued, "rotate"), address(issued, "history")):
        assert "Acme / iOS app" in text_of(operator.get(page))


@LEVELS
def test_who_issues_for_what_is_suspended_is_told(
    operator: Client, owner: Machine, level: str
) -> None:
    suspension.suspend(getattr(owner, level), now=timezone.now())

    effects = operator.get(issue_page(owner)).context["effects"]

    assert effects[-1] == "It is refused until the suspension is ended by a resume."


@pytest.mark.parametrize(
    ("field", "given", "complaint"),
    [
        ("name", "", "This field is required."),
        ("name", "a\0b", "Null characters are not allowed."),
        ("name", "safe\u202egpj", "Holds a control or format character."),
        ("name", "two\nlines", "Holds a control or format character."),
        ("scopes", [], "This field is required."),
        ("scopes", ["all"], "Select a valid choice. all is not one of the available choices."),
        ("expires_at", "2026-01-01T00:00", "This moment has passed. Choose one in the future."),
        ("expires_at", "275760-09-13T00:00", "Enter a valid date/time."),
        ("chosen_id", "1", "Enter a valid UUID."),
    ],
)
def test_what_can_not_be_issued_is_a_complaint(
    operator: Client, owner: Machine, field: str, given: Any, complaint: str
) -> None:
    with nothing_changes():
        answer = issue(operator, owner, **{field: given})

    assert answer.status_code == 200
    assert answer.context["form"].errors == {field: [complaint]}


def test_the_secret_is_on_no_page_in_no_table_and_in_no_log(
    operator: Client, owner: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    # The templates' logger writes whole contexts when a variable is missing.
    for logger in ("", "django", "django.template"):
        caplog.set_level(logging.DEBUG, logger=logger)
    issued = secret_of(issue(operator, owner))
    gateway = ApiKey.objects.get(name="Gateway")
    rotated = secret_of(rotate(operator, gateway))
    successor = ApiKey.objects.exclude(id__in=[gateway.id, owner.credential.id]).get()

    pages = [address(ApiKey, "changelist"), "/admin/", "/admin/admin/logentry/"]
    for row in (gateway, successor):
        pages += [address(row, name) for name in ("change", "history", "rotate", "revoke")]
    shown = [text_of(operator.get(page)) for page in pages]
    formatter = logging.Formatter()
    logged = [f"{formatter.format(record)} {vars(record)}" for record in caplog.records]

    assert any("Exception while resolving variable" in line for line in logged)
    for secret in (issued, rotated, issued[-43:], rotated[-43:]):
        assert not any(secret in text for text in [*shown, *logged])
        assert secret not in every_text()
        assert secret not in operator.cookies.output()
    assert "django_session" in connection.introspection.table_names()


def test_nothing_between_keeps_the_page_of_the_secret(operator: Client, owner: Machine) -> None:
    for response in (issue(operator, owner), rotate(operator, key(owner))):
        kept = response["Cache-Control"].split(", ")
        assert {"no-store", "private", "max-age=0"} <= set(kept)
        assert 'autocomplete="off"' in text_of(response)


def test_sending_the_form_twice_issues_one_and_shows_its_secret_once(
    operator: Client, owner: Machine
) -> None:
    given = wanted()
    secret_of(operator.post(issue_page(owner), given))
    issued = ApiKey.objects.get(name="Gateway")

    with nothing_changes():
        again = operator.post(issue_page(owner), given)

    assert (again.status_code, again["Location"]) == (302, address(issued))
    told = text_of(operator.get(address(issued)))
    assert "It was issued already, and its secret was shown then. If that is lost, rotate." in told
    assert SECRET.findall(told) == []


def test_an_id_of_another_credential_is_refused(operator: Client, owner: Machine) -> None:
    with nothing_changes():
        answer = issue(operator, owner, ServiceAccount, chosen_id=str(owner.credential.id))
    assert (answer.status_code, answer["Location"]) == (302, address(key(owner)))


@pytest.mark.django_db(transaction=True)
def test_of_the_same_form_sent_twice_at_once_exactly_one_issues(owner: Machine) -> None:
    clients = [member("operators", name) for name in ("ada", "alan")]
    given = wanted()

    answers = race(
        [lambda client=client: client.post(issue_page(owner), given) for client in clients]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert ApiKey.objects.filter(name="Gateway").count() == 1
    (secret,) = (secret_of(answer) for answer in answers if answer.status_code == 200)
    assert mint_with(secret).status_code == 201


# --- Rotating ----------------------------------------------------------------------------


def test_after_a_rotation_both_work_and_after_the_overlap_only_the_new(
    operator: Client, owner: Machine
) -> None:
    old_token = owner.token
    before = timezone.now()

    secret = secret_of(rotate(operator, key(owner), overlap="1"))

    new = ApiKey.objects.exclude(id=owner.credential.id).get()
    old = key(owner)
    assert old.expires_at is not None
    assert before + HOUR <= old.expires_at <= timezone.now() + HOUR
    assert (new.name, new.project_id, new.scopes, new.expires_at) == (
        old.name, old.project_id, old.scopes, None,
    )  # fmt: skip
    assert mint_with(owner.secret).status_code == mint_with(secret).status_code == 201
    assert owner.get(MOVESPECS).status_code == 200

    late, end = old.expires_at - TICK, old.expires_at
    _, token = access_token_mint(credential=old, scopes=old.scopes, now=late - timedelta(minutes=1))
    assert verified(owner.secret, late) == old
    assert authenticate_token(token, late - timedelta(seconds=1)).credential_id == old.id
    assert verified(owner.secret, end) is None
    assert verified(secret, end + timedelta(days=900)) == new
    # In HTTP as well, once the moment has passed.
    Credential.objects.filter(id=old.id).update(expires_at=timezone.now())
    refused(mint_with(owner.secret), 401, "api_key_invalid")
    refused(owner.call("GET", MOVESPECS, token=old_token), 401, "access_token_invalid")
    assert mint_with(secret).status_code == 201


def verified(secret: str, now: datetime) -> Credential | None:
    return credential_verify(
        kind=CredentialKind.API_KEY, secret=secret, credential_id=None, now=now
    )


@pytest.mark.parametrize(("overlap", "hours"), [("1", 1), ("24", 24), ("168", 168)])
@KINDS
def test_the_old_one_goes_on_for_the_overlap_that_was_chosen(
    operator: Client, owner: Machine, model: Any, overlap: str, hours: int
) -> None:
    kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    scopes = ["sessions:write"]
    old, _ = credential_issue(project=owner.project, kind=kind, name="old", scopes=scopes)
    before = timezone.now()

    secret_of(
        rotate(
            operator, model.objects.get(id=old.id), overlap=overlap, expires_at="2999-01-01T00:00"
        )
    )

    old.refresh_from_db()
    assert old.expires_at is not None
    assert timedelta() <= old.expires_at - before - hours * HOUR < timedelta(minutes=1)
    new = model.objects.get(name="old", expires_at__year=2999)
    assert (new.kind, new.scopes, new.revoked_at) == (kind, scopes, None)
    assert histories(old) == [f"Rotated {full_name(old)}: {new} replaces it. Reason: Leaked"]
    assert histories(new) == [f"Issued to replace {old}."]


def test_without_overlap_the_old_one_is_revoked_at_once(operator: Client, owner: Machine) -> None:
    secret = secret_of(rotate(operator, key(owner), overlap="0"))

    refused(mint_with(owner.secret), 401, "api_key_invalid")
    refused(owner.get(MOVESPECS), 401, "access_token_invalid")
    assert mint_with(secret).status_code == 201
    old = key(owner)
    assert old.expires_at is None
    assert old.revoked_at is not None


def test_an_overlap_does_not_prolong_a_key_and_still_refuses_a_second_rotation(
    operator: Client, owner: Machine
) -> None:
    soon = timezone.now() + HOUR
    Credential.objects.filter(id=owner.credential.id).update(expires_at=soon)
    as_shown = seen(owner.credential)

    secret_of(rotate(operator, key(owner), overlap="24"))

    assert key(owner).expires_at == soon - TICK
    with nothing_changes():
        late = rotate(operator, key(owner), overlap="24", seen_expires_at=as_shown)
    assert late.status_code == 409


def test_reloading_the_page_of_a_new_secret_does_not_rotate_again(
    operator: Client, owner: Machine
) -> None:
    secret_of(rotate(operator, key(owner)))

    with nothing_changes():
        again = rotate(operator, key(owner), seen_expires_at="")

    assert again.status_code == 409
    assert "It was rotated or given another expiry meanwhile." in text_of(again)
    assert SECRET.findall(text_of(again)) == []
    assert again.context["form"]["seen_expires_at"].value() == key(owner).expires_at.replace(
        tzinfo=None
    )
    assert again.context["form"]["overlap"].value() == "24"


def expiry_on(client: Client, row: Credential) -> str:
    """What the page of a rotation has filled in."""
    shown = text_of(client.get(address(row, "rotate")))
    (field,) = re.findall(r'<input type="datetime-local" name="expires_at"[^>]*>', shown)
    found = re.search(r'value="([^"]*)"', field)
    return found[1] if found else ""


def test_the_new_one_is_given_the_lifetime_of_the_old_one(operator: Client, owner: Machine) -> None:
    now = timezone.now()
    Credential.objects.filter(id=owner.credential.id).update(
        created_at=now - timedelta(days=70), expires_at=now + timedelta(days=20)
    )
    asked = text_of(operator.get(address(key(owner), "rotate")))
    assert "The new one expires as long after now as the old one did" in asked
    filled_in = expiry_on(operator, key(owner))
    due = datetime.fromisoformat(f"{filled_in}Z")
    assert timedelta(minutes=-1) < due - (now + timedelta(days=90)) < timedelta(minutes=1)

    answer = rotate(operator, key(owner), expires_at=filled_in)

    assert f"It expires at {due:%Y-%m-%d %H:%M} UTC." in text_of(answer)
    assert ApiKey.objects.exclude(id=owner.credential.id).get().expires_at == due


def test_the_new_one_never_expires_only_if_that_is_said(operator: Client, owner: Machine) -> None:
    never = expiry_on(operator, key(owner))
    assert never == ""
    soon = timezone.now() + timedelta(days=20)
    Credential.objects.filter(id=owner.credential.id).update(expires_at=soon)
    assert expiry_on(operator, key(owner)) != ""

    answer = rotate(operator, key(owner), expires_at="")

    assert "It does not expire." in text_of(answer)
    assert ApiKey.objects.exclude(id=owner.credential.id).get().expires_at is None


def test_what_was_said_of_the_expiry_is_kept_when_it_can_not_be_done(
    operator: Client, owner: Machine
) -> None:
    soon = timezone.now() + timedelta(days=20)
    Credential.objects.filter(id=owner.credential.id).update(expires_at=soon)
    for said in ("", "2999-01-01T00:00"):
        told = rotate(operator, key(owner), expires_at=said, seen_expires_at="")
        assert told.status_code == 409
        assert told.context["form"]["expires_at"].value() == said


def test_the_last_of_years_can_not_be_prolonged(operator: Client, owner: Machine) -> None:
    last = datetime.fromisoformat("9999-12-31T23:59:00Z")
    Credential.objects.filter(id=owner.credential.id).update(expires_at=last)
    assert expiry_on(operator, key(owner)) == "9999-12-31T23:59"


def test_the_hidden_field_keeps_the_moment_to_the_microsecond(
    operator: Client, owner: Machine
) -> None:
    moment = datetime.fromisoformat("2999-01-02T03:04:05.678901Z")
    Credential.objects.filter(id=owner.credential.id).update(expires_at=moment)
    shown = text_of(operator.get(address(key(owner), "rotate")))
    (value,) = re.findall(r'name="seen_expires_at" value="([^"]*)"', shown)

    secret_of(rotate(operator, key(owner), seen_expires_at=value))

    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize(
    ("moments", "told"),
    [
        ({"revoked_at": "2026-03-04T05:06:07Z"}, "revoked since 2026-03-04 05:06 UTC."),
        ({"expires_at": "2026-03-04T05:06:07Z"}, "It expired at 2026-03-04 05:06 UTC."),
    ],
)
@pytest.mark.parametrize("overlap", ["0", "24"])
def test_what_is_not_live_is_not_rotated(
    operator: Client, owner: Machine, moments: dict[str, str], told: str, overlap: str
) -> None:
    Credential.objects.filter(id=owner.credential.id).update(**moments)

    with nothing_changes():
        answer = rotate(operator, key(owner), overlap=overlap)

    assert answer.status_code == 409
    assert told in text_of(answer)
    assert address(key(owner), "rotate") not in text_of(operator.get(address(key(owner))))


@pytest.mark.parametrize(
    ("field", "given", "complaint"),
    [
        ("overlap", "2", "Select a valid choice. 2 is not one of the available choices."),
        ("overlap", "", "This field is required."),
        ("reason", "", "This field is required."),
        ("expires_at", "2026-01-01T00:00", "This moment has passed. Choose one in the future."),
    ],
)
def test_a_rotation_that_is_not_said_right_is_a_complaint(
    operator: Client, owner: Machine, field: str, given: str, complaint: str
) -> None:
    with nothing_changes():
        answer = rotate(operator, key(owner), **{field: given})

    assert answer.status_code == 200
    assert answer.context["form"].errors == {field: [complaint]}


@pytest.mark.parametrize("overlap", ["0", "24"])
@pytest.mark.parametrize("is_expiring", [False, True])
@pytest.mark.django_db(transaction=True)
def test_of_two_rotations_at_once_exactly_one_happens(
    owner: Machine, overlap: str, is_expiring: bool
) -> None:
    if is_expiring:
        soon = timezone.now() + HOUR
        Credential.objects.filter(id=owner.credential.id).update(expires_at=soon)
    ada, alan = member("operators", "ada"), member("operators", "alan")
    given = {"overlap": overlap, "seen_expires_at": seen(owner.credential)}

    answers = race(
        [
            lambda: rotate(ada, key(owner), **given),
            lambda: rotate(alan, key(owner), **given),
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert ApiKey.objects.count() == 2
    (secret,) = (secret_of(answer) for answer in answers if answer.status_code == 200)
    assert mint_with(secret).status_code == 201
    assert len(histories(key(owner))) == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_rotation_and_a_revocation_at_once_a_revoked_key_stays_so(owner: Machine) -> None:
    now = timezone.now()

    def rotated() -> str:
        try:
            credential_rotate(
                credential=key(owner), seen_expires_at=None, overlap=HOUR, expires_at=None, now=now
            )
        except Conflict as conflict:
            return str(conflict)
        return "rotated"

    outcome, _ = race([rotated, lambda: credential_revoke(credential=key(owner), now=now)])

    assert key(owner).revoked_at == now
    assert ApiKey.objects.count() == (2 if outcome == "rotated" else 1)
    assert (key(owner).expires_at is None) == (outcome != "rotated")


# --- Succession --------------------------------------------------------------------------


@KINDS
def test_a_key_and_its_successors_lead_to_each_other(
    operator: Client, owner: Machine, model: Any
) -> None:
    kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    first, _ = credential_issue(project=owner.project, kind=kind, name="Gateway")
    first = model.objects.get(id=first.id)
    alone = text_of(operator.get(address(first)))
    assert "Replaces" not in alone
    assert "Replaced by" not in alone

    secret_of(rotate(operator, first))
    second = model.objects.get(replaces=first)
    # The secret of the second was lost while the first went on.
    secret_of(rotate(operator, first))
    third = model.objects.exclude(id=second.id).get(replaces=first)

    def links(row: Credential, label: str) -> list[str]:
        shown = text_of(operator.get(address(row)))
        found = re.search(rf"<label>{label}:</label>\s*<div class=\"readonly\">(.*?)</div>", shown)
        return re.findall(r'href="([^"]+)"', found[1]) if found else []

    assert links(first, "Replaced by") == [address(third), address(second)]
    assert links(first, "Replaces") == []
    assert links(second, "Replaces") == links(third, "Replaces") == [address(first)]
    assert links(second, "Replaced by") == []


# --- Revoking ----------------------------------------------------------------------------


def test_revoking_refuses_the_key_and_its_tokens_at_once_and_leaves_sessions(
    operator: Client, owner: Machine, movespec: Any
) -> None:
    session = owner.create_session(movespec).json()["session_id"]

    answer = operator.post(address(key(owner), "revoke"), {"reason": "Leaked"})

    assert (answer.status_code, answer["Location"]) == (302, address(key(owner)))
    refused(mint_with(owner.secret), 401, "api_key_invalid")
    refused(owner.get(MOVESPECS), 401, "access_token_invalid")
    assert owner.project.sessions.get(id=session).status == "created"
    assert histories(key(owner)) == [f"Revoked {full_name(owner.credential)}. Reason: Leaked"]


def test_a_second_revocation_is_told_since_when_and_keeps_the_first(
    operator: Client, owner: Machine
) -> None:
    since = datetime.fromisoformat("2026-03-04T05:06:07Z")
    Credential.objects.filter(id=owner.credential.id).update(revoked_at=since)

    with nothing_changes():
        answer = operator.post(address(key(owner), "revoke"), {"reason": "Leaked"})

    assert answer.status_code == 409
    assert "It has been revoked since 2026-03-04 05:06 UTC." in text_of(answer)
    assert address(key(owner), "revoke") not in text_of(operator.get(address(key(owner))))


def test_many_are_revoked_from_the_list_after_a_confirmation(
    operator: Client, owner: Machine, peer: Machine, outsider: Machine
) -> None:
    credential_revoke(credential=peer.credential, now=timezone.now())
    Credential.objects.update(last_used_at=None)
    chosen = [str(one.credential.id) for one in (owner, peer, outsider)]
    data = {"action": "revoke", "_selected_action": chosen}
    page = address(ApiKey, "changelist")

    with nothing_changes():
        asked = operator.post(page, data)
    assert asked.context["effects"] == [
        "No access token can be minted any more, and those that were are refused at once.",
        "Sessions that were made go on.",
        "This can't be undone.",
        "Never used until now.",
    ]
    done = operator.post(page, data | {"confirmed": "yes", "reason": "Leaked"}, follow=True)

    assert "Revoked 2 of 3." in text_of(done)
    assert Credential.objects.filter(revoked_at__isnull=True).count() == 0
    assert histories(peer.credential) == []


def test_many_are_not_rotated_at_once(operator: Client, owner: Machine) -> None:
    data = {
        "action": "rotate", "_selected_action": [str(owner.credential.id)],
        "confirmed": "yes", "overlap": "0", "reason": "x",
    }  # fmt: skip
    with nothing_changes():
        assert operator.post(address(ApiKey, "changelist"), data).status_code in (200, 302)


# --- Looking -----------------------------------------------------------------------------


def test_a_list_is_filtered_by_state_and_shows_it(operator: Client, owner: Machine) -> None:
    now = timezone.now()
    rows = {
        "soon": {"expires_at": now + timedelta(days=13)},
        "later": {"expires_at": now + timedelta(days=15)},
        "gone": {"expires_at": now},
        "out": {"revoked_at": now},
        "both": {"revoked_at": now, "expires_at": now},
    }
    for name, moments in rows.items():
        one, _ = credential_issue(project=owner.project, kind=CredentialKind.API_KEY, name=name)
        Credential.objects.filter(id=one.id).update(**moments)
    page = address(ApiKey, "changelist")

    def listed(state: str) -> set[str]:
        found = operator.get(page, {"state": state}).context["cl"].result_list
        return {row.name for row in found}

    assert listed("live") == {"owner's key", "soon", "later"}
    assert listed("expiring") == {"soon"}
    assert listed("expired") == {"gone"}
    assert listed("revoked") == {"out", "both"}
    assert listed("due") == {"soon", "gone"}
    assert operator.get(page, {"state": "nonsense"}).status_code == 400
    for name, state in (
        ("owner's key", "live"), ("later", "live"), ("soon", "expires soon"),
        ("gone", "expired"), ("out", "revoked"), ("both", "revoked"),
    ):  # fmt: skip
        shown = text_of(operator.get(address(ApiKey.objects.get(name=name))))
        assert re.search(rf'<span class="badge \w+">{state}</span>', shown)


def test_a_page_shows_the_last_use_and_can_not_be_edited(operator: Client, owner: Machine) -> None:
    used = datetime.fromisoformat("2026-03-04T05:06:07Z")
    Credential.objects.filter(id=owner.credential.id).update(last_used_at=used)

    assert "4 Mar 2026, 05:06" in text_of(operator.get(address(key(owner))))
    assert "4 Mar 2026, 05:06" in text_of(operator.get(address(ApiKey, "changelist")))
    effects = operator.get(address(key(owner), "revoke")).context["effects"]
    assert effects[-1] == "Last used at 2026-03-04 05:06 UTC."
    with nothing_changes():
        assert operator.post(address(key(owner)), wanted(name="x")).status_code == 403
        assert operator.post(address(key(owner), "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("asked", ["owner's key", "owner", "id", "project id"])
def test_a_key_is_found_by_name_id_and_project(
    operator: Client, owner: Machine, outsider: Machine, asked: str
) -> None:
    query = {"id": str(owner.credential.id), "project id": str(owner.project.id)}.get(asked, asked)

    found = operator.get(address(ApiKey, "changelist"), {"q": query}).context["cl"].result_list

    assert [row.pk for row in found] == [owner.credential.id]


@KINDS
@pytest.mark.parametrize(("role", "sees"), [("support", 200), ("release managers", 403)])
def test_who_only_looks_issues_rotates_and_revokes_nothing(
    owner: Machine, model: Any, role: str, sees: int
) -> None:
    kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    made, _ = credential_issue(project=owner.project, kind=kind, name="made")
    row = model.objects.get(id=made.id)
    client = member(role)
    assert client.get(address(row)).status_code == sees
    assert client.get(address(model, "changelist")).status_code == sees
    with nothing_changes():
        assert client.get(address(model, "add")).status_code == 403
        chosen_project = {"project": str(owner.project.id)}
        assert client.post(address(model, "add"), chosen_project).status_code == 403
        assert client.get(issue_page(owner, model)).status_code == 403
        assert issue_page(owner, model) not in text_of(client.get(address(owner.project)))
        assert issue(client, owner, model).status_code == 403
        assert client.get(address(row, "rotate")).status_code == 403
        assert rotate(client, row).status_code == 403
        assert client.post(address(row, "revoke"), {"reason": "x"}).status_code == 403
        chosen = {"action": "revoke", "_selected_action": [str(row.id)]}
        client.post(address(model, "changelist"), chosen | {"confirmed": "yes", "reason": "x"})


def test_each_kind_has_its_own_permissions(owner: Machine) -> None:
    from django.contrib.auth.models import Permission, User

    codenames = ["view_apikey", "change_apikey", "view_serviceaccount"]
    user = User.objects.create_user("keys", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    made, _ = credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="account"
    )
    account = ServiceAccount.objects.get(id=made.id)

    with nothing_changes():
        assert rotate(client, account).status_code == 403
        assert client.post(address(account, "revoke"), {"reason": "x"}).status_code == 403
    assert client.post(address(key(owner), "revoke"), {"reason": "x"}).status_code == 302


def test_access_tokens_stay_read_only(operator: Client, owner: Machine) -> None:
    token = AccessToken.objects.get()

    with nothing_changes():
        assert operator.post(address(token), {"revoked_at": "now"}).status_code == 403
        chosen = {"action": "revoke", "_selected_action": [str(token.id)], "confirmed": "yes"}
        operator.post(address(AccessToken, "changelist"), chosen)
