"""What is suspended says so on every page of its customer: which of the two."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects import models as suspension
from projects.credentials import credential_issue
from projects.models import AccessToken, ApiKey, CredentialKind, Project, ServiceAccount
from sessions_app.models import DetectionSession
from staff.actions import StaffActionAdmin
from tests.admin.staffing import address, text_of
from tests.conftest import Machine
from tests.long_runs import at_length, thinned

# Of each kind its own state, beside the badges of the suspensions.
OWN = {
    Project: {"organization": ["organization suspended"], "project": ["suspended"]},
    ApiKey: [],
    ServiceAccount: [],
    MoveSpec: ["private"],
    MoveSpecVersion: ["released"],
    DetectionSession: ["cancelled by a suspension"],
}


@pytest.fixture
def owned(owner: Machine, movespec: MoveSpec) -> list[Any]:
    """A row of each kind that a project owns, and the project."""
    credential_issue(project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
    owner.create_session(movespec)
    kinds = (ApiKey, ServiceAccount, AccessToken, MoveSpec, MoveSpecVersion, MoveSpecDraft)
    rows: list[Any] = [model._default_manager.get() for model in kinds]
    return [owner.project, *rows, Release.objects.get(), DetectionSession.objects.get()]


def badges(markup: str) -> list[str]:
    return re.findall(r'<span class="badge \w+"[^>]*>(.*?)</span>', markup)


def expected(model: Any, level: str, own: dict[Any, Any]) -> list[str]:
    given = own[model]
    return given[level] if isinstance(given, dict) else [f"{level} suspended", *given]


@at_length("level", "organization", "project")
def test_every_page_says_what_is_suspended_since_when(
    operator: Client, owner: Machine, owned: list[Any], level: str
) -> None:
    row = getattr(owner, level)
    pages = [address(one, name) for one in owned for name in ("change", "history")]
    pages += [
        address(one, action.name)
        for one in owned
        if isinstance(page := admin.site.get_model_admin(type(one)), StaffActionAdmin)
        for action in page.staff_actions
        if action.name != "erase"  # which operators may not
    ]
    for page in pages:
        assert "is suspended since" not in text_of(operator.get(page)), page
    operator.post(address(row, "suspend"), {"reason": "Unpaid"})
    row.refresh_from_db()
    told = f"The {level} {row} is suspended since {row.suspended_at:%Y-%m-%d %H:%M} UTC."
    for page in pages:
        shown = text_of(operator.get(page))
        assert re.findall('<p class="notice bad">(The .*? is suspended .*?)</p>', shown) == [told]


@thinned("level, model", ["organization", "project"], [*OWN])
def test_lists_and_pages_have_a_badge_and_none_is_live(
    superuser: Client, owner: Machine, owned: list[Any], level: str, model: Any
) -> None:
    suspension.suspend(getattr(owner, level), now=timezone.now())
    (row,) = [one for one in owned if type(one) is model]
    listed = text_of(superuser.get(address(model, "changelist")))
    assert badges(listed) == expected(model, level, OWN)
    downloaded = superuser.get(address(model, "csv")).getvalue().decode()
    assert " ".join(expected(model, level, OWN)) in downloaded
    # The page of a MoveSpec shows its state as plain fields, below the band.
    if model is not MoveSpec:
        page = " ".join(badges(text_of(superuser.get(address(row)))))
        assert " ".join(expected(model, level, OWN)) in page
