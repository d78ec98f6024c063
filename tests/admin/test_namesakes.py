"""Rows of one name, told apart in search, and lists: what is in use first."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kynaplatform import clock
from movespecs.models import MoveSpec
from projects.credentials import credential_rotate
from projects.models import Credential
from staff.states import about_to_expire
from tests.admin.session_rows import make_session
from tests.admin.staffing import address, text_of
from tests.conftest import Machine, make_released

DAY = timedelta(days=1)


@pytest.fixture
def squats(owner: Machine) -> dict[str, MoveSpec]:
    """MoveSpecs of one name, the newest first in this order but for the list's."""
    used, _ = make_released(owner.project, name="Squat")
    released, _ = make_released(owner.project, name="Squat")
    nothing = MoveSpec.objects.create(project=owner.project, name="Squat")
    archived, _ = make_released(owner.project, name="Squat")
    MoveSpec.objects.filter(pk=archived.pk).update(archived_at=timezone.now())
    make_session(used)
    return {"used": used, "released": released, "nothing": nothing, "archived": archived}


def order_of(rows: list[Any], squats: dict[str, MoveSpec]) -> list[str]:
    names = {str(one.pk): name for name, one in squats.items()}
    return [names[str(row)] for row in rows]


def test_the_search_has_released_ones_first_and_archived_ones_last(
    support: Client, squats: dict[str, MoveSpec]
) -> None:
    (group,) = (
        one
        for one in support.get("/admin/find/", {"q": "squat"}).context["groups"]
        if one["kind"] == "MoveSpecs"
    )
    ids = [one["address"].split("/")[-3] for one in group["rows"]]
    assert order_of(ids, squats) == ["released", "used", "nothing", "archived"]
    states = [str(one["state"]) for one in group["rows"]]
    assert ["v1 released" in one for one in states] == [True, True, False, True]
    assert "nothing released" in states[2]
    assert "archived" in states[3]
    assert [one["short_id"].count("short-id") for one in group["rows"]] == [1] * 4


def test_the_list_has_released_ones_first_with_their_state(
    support: Client, squats: dict[str, MoveSpec]
) -> None:
    listed = support.get(address(MoveSpec, "changelist"))
    ids = [row.pk for row in listed.context["cl"].result_list]
    assert order_of(ids, squats) == ["released", "used", "nothing", "archived"]
    assert text_of(listed).count("v1 released") == 3


@pytest.mark.parametrize(
    ("last_used", "is_told", "badge"),
    [
        (None, False, "replaced"),
        (timedelta(hours=3), False, "replaced"),  # before it was replaced
        (timedelta(minutes=30), True, "replaced, still used"),
    ],
)
def test_a_rotated_key_needs_attention_only_while_it_is_used(
    support: Client, owner: Machine, last_used: timedelta | None, is_told: bool, badge: str
) -> None:
    now = clock.now()
    old = owner.credential
    credential_rotate(credential=old, seen_expires_at=None, overlap=DAY, expires_at=None, now=now)
    Credential.objects.filter(replaces=old).update(created_at=now - timedelta(hours=1))
    used_at = last_used and now - last_used
    Credential.objects.filter(pk=old.pk).update(last_used_at=used_at)

    assert Credential.objects.filter(about_to_expire(now), pk=old.pk).exists() is is_told
    keys = reverse("admin:projects_apikey_changelist")
    listed = support.get(keys)
    assert [row.pk == old.pk for row in listed.context["cl"].result_list].index(True) >= 0
    assert f">{badge}<" in text_of(listed)
    told = "API keys about to expire" in text_of(support.get(reverse("admin:index")))
    assert told is is_told


def test_live_keys_come_first_then_those_used_last(support: Client, owner: Machine) -> None:
    now = timezone.now()
    old = owner.credential
    made = [
        Credential.objects.create(
            project=owner.project, kind="api_key", name=old.name, secret_hash=b"", pepper_number=1,
            **columns,
        )
        for columns in (
            {"revoked_at": now, "last_used_at": now},
            {"last_used_at": now - DAY},
            {"last_used_at": now},
        )
    ]  # fmt: skip
    listed = support.get(reverse("admin:projects_apikey_changelist"), {"q": old.name})
    shown = [row.pk for row in listed.context["cl"].result_list]
    others = [one.pk for one in (made[2], made[1])]
    assert [pk for pk in shown if pk != old.pk] == [*others, made[0].pk]
    assert shown[-1] == made[0].pk
