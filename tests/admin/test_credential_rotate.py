"""Credentials are rotated in the admin, and lead to their successors."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from projects.access_tokens import access_token_mint
from projects.authentication import principal_read
from projects.credentials import (
    credential_issue,
    credential_revoke,
    credential_rotate,
    credential_verify,
)
from projects.models import ApiKey, Credential, CredentialKind, ServiceAccount
from staff.display import full_name
from tests.admin.credential_pages import (
    SECRET,
    histories,
    key,
    mint_with,
    rotate,
    secret_of,
    seen,
)
from tests.admin.staffing import address, member, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.concurrency.racing import race
from tests.conftest import MOVESPECS, Machine

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def test_after_a_rotation_both_work_and_after_the_overlap_only_the_new(
    operator: Client, owner: Machine
) -> None:
    old_token = owner.token
    before = clock.now()

    secret = secret_of(rotate(operator, key(owner), overlap="1"))

    new = ApiKey.objects.exclude(id=owner.credential.id).get()
    old = key(owner)
    assert old.expires_at is not None
    assert abs(old.expires_at - before - HOUR) < timedelta(minutes=1)
    assert (new.name, new.project_id, new.scopes, new.expires_at) == (
        old.name, old.project_id, old.scopes, None,
    )  # fmt: skip
    assert mint_with(owner.secret).status_code == mint_with(secret).status_code == 201
    assert owner.get(MOVESPECS).status_code == 200

    late, end = old.expires_at - TICK, old.expires_at
    token, _ = access_token_mint(credential=old, scopes=old.scopes, now=late - timedelta(minutes=1))
    assert verified(owner.secret, late) == old
    assert principal_read(token.id, late - timedelta(seconds=1)).credential_id == old.id
    assert verified(owner.secret, end) is None
    assert verified(secret, end + timedelta(days=900)) == new
    # In HTTP as well, once the moment has passed.
    Credential.objects.filter(id=old.id).update(expires_at=clock.now())
    refused(mint_with(owner.secret), 401, "api_key_invalid")
    refused(owner.call("GET", MOVESPECS, token=old_token), 401, "access_token_invalid")
    assert mint_with(secret).status_code == 201


def verified(secret: str, now: datetime) -> Credential | None:
    return credential_verify(
        kind=CredentialKind.API_KEY, secret=secret, credential_id=None, now=now
    )


@pytest.mark.parametrize(("model", "hours"), [(ApiKey, 1), (ServiceAccount, 168)])
def test_the_old_one_goes_on_for_the_overlap_that_was_chosen(
    operator: Client, owner: Machine, model: Any, hours: int
) -> None:
    kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    scopes = ["sessions:write"]
    old, _ = credential_issue(project=owner.project, kind=kind, name="old", scopes=scopes)
    before = clock.now()

    secret_of(
        rotate(
            operator,
            model.objects.get(id=old.id),
            overlap=str(hours),
            expires_at="2999-01-01T00:00",
        )
    )

    old.refresh_from_db()
    assert old.expires_at is not None
    assert timedelta() <= old.expires_at - before - hours * HOUR < timedelta(minutes=1)
    new = model.objects.get(name="old", expires_at__year=2999)
    assert (new.kind, new.scopes, new.revoked_at) == (kind, scopes, None)
    assert histories(old) == [f"Rotated {full_name(old)}: {new} replaces it.\nReason: Leaked"]
    assert histories(new) == [f"Issued to replace {old}."]


def test_an_overlap_does_not_prolong_a_key_and_still_refuses_a_second_rotation(
    operator: Client, owner: Machine
) -> None:
    soon = clock.now() + HOUR
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
    now = clock.now()
    Credential.objects.filter(id=owner.credential.id).update(
        created_at=now - timedelta(days=70), expires_at=now + timedelta(days=20)
    )
    asked = text_of(operator.get(address(key(owner), "rotate")))
    assert "The new one lives as long as the last one was to" in asked
    filled_in = expiry_on(operator, key(owner))
    due = datetime.fromisoformat(f"{filled_in}Z")
    assert timedelta(minutes=-1) < due - (now + timedelta(days=90)) < timedelta(minutes=1)

    answer = rotate(operator, key(owner), expires_at=filled_in)

    assert f"It expires at {due:%Y-%m-%d %H:%M} UTC." in text_of(answer)
    assert ApiKey.objects.exclude(id=owner.credential.id).get().expires_at == due


@pytest.mark.parametrize("days", [None, 90])
def test_one_whose_successor_is_lost_is_rotated_again_for_as_long(
    operator: Client, owner: Machine, days: int | None
) -> None:
    now = clock.now()
    Credential.objects.filter(id=owner.credential.id).update(
        created_at=now - timedelta(days=70), expires_at=days and now + timedelta(days=days - 70)
    )
    secret_of(rotate(operator, key(owner), expires_at=expiry_on(operator, key(owner))))
    assert key(owner).expires_at is not None

    filled_in = expiry_on(operator, key(owner))
    asked = text_of(operator.get(address(key(owner), "rotate")))

    assert ("does not expire unless you say when" in asked) == (days is None)
    if days is None:
        assert filled_in == ""
    else:
        due = datetime.fromisoformat(f"{filled_in}Z") - now
        assert abs(due - timedelta(days=days)) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("moments", "told", "overlap"),
    [
        ({"revoked_at": "2026-03-04T05:06:07Z"}, "revoked since 2026-03-04 05:06 UTC.", "0"),
        ({"expires_at": "2026-03-04T05:06:07Z"}, "It expired at 2026-03-04 05:06 UTC.", "24"),
    ],
)
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


@pytest.mark.parametrize(("overlap", "is_expiring"), [("0", False), ("24", True)])
@pytest.mark.django_db(transaction=True)
def test_of_two_rotations_at_once_exactly_one_happens(
    owner: Machine, overlap: str, is_expiring: bool
) -> None:
    if is_expiring:
        soon = clock.now() + HOUR
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
    now = clock.now()

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
