"""What the first page and the sidebar lead to, for each role; and the history of what was done."""

import re
from typing import Any

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import AccessToken, Organization
from staff.site import GROUPS, TASKS
from tests.admin.staffing import address, member, text_of
from tests.conftest import VALID_YAML, Machine, make_version

KEYS = {"Onboard a customer", "Issue an API key", "Rotate or revoke a key"}
RELEASING = {"Release, roll back or withdraw a version"}


def tasks(client: Client) -> set[str]:
    page = client.get(reverse("admin:index"))
    assert all(client.get(path).status_code == 200 for _label, path in page.context["tasks"])
    return {label for label, _path in page.context["tasks"]}


def test_the_first_page_offers_what_each_role_may_do(db: None) -> None:
    everything = {task.label for task in TASKS}
    assert tasks(member("operators")) == everything
    assert tasks(member("support")) == everything - KEYS - RELEASING
    assert tasks(member("release managers")) == everything - KEYS


def test_every_page_that_is_registered_is_in_one_group() -> None:
    grouped = [label for _title, labels in GROUPS for label in labels]
    registered = {
        f"{model._meta.app_label}.{model._meta.model_name}" for model in admin.site._registry
    }
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == registered


def test_the_sidebar_is_grouped_by_what_staff_do(operator: Client) -> None:
    groups = operator.get(reverse("admin:index")).context["available_apps"]
    assert [group["name"] for group in groups] == [title for title, _labels in GROUPS]
    credentials = groups[1]["models"]
    assert [model["name"] for model in credentials] == [
        "API keys", "Service accounts", "Access tokens",
    ]  # fmt: skip


def test_a_release_a_roll_back_and_a_withdrawal_are_in_the_history_of_all_that_they_touch(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    first = movespec.current_released_version
    second = make_version(movespec.id, VALID_YAML + "# two\n")
    for version, action, done in (
        (second, "release", "Released version 2"),
        (first, "roll-back", "Rolled back to version 1"),
        (second, "withdraw", "Withdrew version 2"),
    ):
        seen = Release.objects.latest("id").pk
        operator.post(address(version, action), {"reason": "A reason", "seen": seen})
        shown: list[Any] = [movespec, first, second, Release.objects.latest("id")]
        shown.append(MoveSpecDraft.objects.get(movespec=movespec))
        for row in shown:
            page = text_of(operator.get(address(row, "history")))
            assert "<title>History of Acme / owner / " in page
            assert f"<td>{done} of Acme / owner / Squat.</td><td>A reason</td>" in page


def test_another_movespec_has_its_own_history(
    operator: Client, owner: Machine, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    operator.post(address(public_movespec, "delist"), {"reason": "A complaint"}, follow=True)
    page = text_of(operator.get(address(movespec, "history")))
    assert "Nobody has done anything to it here." in page
    assert "Delisted" not in page


def test_where_nothing_is_ever_done_no_history_is_offered(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    token = AccessToken.objects.latest("created_at")
    link = re.compile(r'class="historylink"')
    assert link.search(text_of(operator.get(address(token)))) is None
    assert link.search(text_of(operator.get(address(movespec)))) is not None


def test_a_version_is_compared_above_its_text(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    page = text_of(operator.get(address(make_version(movespec.id, VALID_YAML + "# two\n"))))
    places = [page.index(text) for text in ('href="#against"', 'id="against"', "<h2>YAML</h2>")]
    assert places == sorted(places)
    assert MoveSpecVersion.objects.count() == 2


def test_the_crumbs_lead_to_lists_and_to_no_page_of_models_by_app(
    operator: Client, owner: Machine, movespec: MoveSpec
) -> None:
    for page, crumbs in (
        (address(MoveSpec, "changelist"), ["Home", "MoveSpecs"]),
        (address(movespec), ["Home", "MoveSpecs", "Squat"]),
        (address(movespec, "history"), ["Home", "MoveSpecs", "Squat", "History"]),
        (address(Organization, "add"), ["Home", "Organizations", "Add"]),
    ):
        text = text_of(operator.get(page))
        (shown,) = re.findall(r'<div class="breadcrumbs">(.*?)</div>', text, re.DOTALL)
        assert [one.strip() for one in re.sub(r"<[^>]+>", "", shown).split("&rsaquo;")] == crumbs
        assert reverse("admin:app_list", args=["movespecs"]) + '"' not in text
