"""What staff do in a day, as they do it: in a browser, by clicking and typing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec, MoveSpecVersion, Release
from projects.models import ApiKey, Credential, CredentialKind
from sessions_app.models import DetectionSession
from tests.admin.staffing import address
from tests.browser.accessibility import assert_accessible_and_fits
from tests.browser.conftest import member
from tests.conftest import VALID_YAML, Machine, make_version
from tests.long_runs import at_length

LogIn = Callable[..., Page]
SECOND = VALID_YAML.replace("angle_max: 100", "angle_max: 95")
THIRD = VALID_YAML.replace("angle_max: 100", "angle_max: 165")


@pytest.fixture
def second(site: str, movespec: MoveSpec) -> MoveSpecVersion:
    return make_version(movespec.id, SECOND)


def released_of(movespec: MoveSpec) -> int | None:
    version = MoveSpec.objects.get(id=movespec.id).current_released_version
    return version and version.version_number


def do(page: Page, button: str, reason: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()


def told(page: Page) -> str:
    """What the page says was done or refused."""
    messages = page.locator(".messagelist li")
    messages.first.wait_for()
    return " ".join(messages.all_inner_texts())


def test_a_release_manager_reads_a_diff_releases_and_rolls_back(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = log_in(member("grace", "release managers").username)
    page.get_by_role("link", name="MoveSpecs", exact=True).first.click()
    page.get_by_role("link", name="MoveSpecs", exact=True).last.click()
    page.locator("#searchbar").fill("squat")
    page.locator("#searchbar").press("Enter")
    page.get_by_role("link", name="Squat", exact=True).click()
    page.get_by_role("link", name="Version 2", exact=True).click()

    difference = page.get_by_role("region", name="Difference")
    assert difference.locator("del").inner_text() == "100"
    assert difference.locator("ins").inner_text() == "95"

    page.get_by_role("link", name="Release …").click()
    assert "gets version 2 instead of version 1" in page.locator(".effects").inner_text()
    assert_accessible_and_fits(page)
    page.get_by_role("button", name="Release", exact=True).click()
    assert "This field is required." in page.locator(".errorlist").inner_text()
    assert_accessible_and_fits(page)
    assert released_of(movespec) == 1
    do(page, "Release", "Deeper squats.")

    assert told(page) == "Released version 2 of Acme / owner / Squat."
    assert released_of(movespec) == 2

    page.goto(address(movespec))
    page.get_by_role("link", name="Roll back to version 1 …").click()
    do(page, "Roll back to", "It counts nothing.")
    assert told(page) == "Rolled back to version 1 of Acme / owner / Squat."
    assert released_of(movespec) == 1
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address(movespec))
    rows = page.get_by_role("region", name="Release history").locator("tbody tr")
    assert [row.split("\t")[1:] for row in rows.all_inner_texts()] == [
        ["grace", "Version 2", "Version 1", "It counts nothing."],
        ["grace", "Version 1", "Version 2", "Deeper squats."],
        ["the platform", "nothing", "Version 1", "-"],
    ]


def test_a_release_goes_by_keyboard_alone(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = log_in(member("grace", "release managers").username)

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(e => e.labels?.[0]?.innerText || e.value || e.innerText)(document.activeElement)"
            )
            if focused.strip().startswith(name):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
                assert (outline, shadow) != ("none", "none")
                return
        raise AssertionError(f"Tab never comes to {name}")

    page.goto(address(second))
    tab_to("Skip to main content")
    page.keyboard.press("Enter")
    tab_to("RELEASE …")
    page.keyboard.press("Enter")
    page.wait_for_url("**/release/")
    tab_to("Reason")
    page.keyboard.type("By keyboard.")
    tab_to("Release")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")

    assert released_of(movespec) == 2


@pytest.mark.long
def test_withdrawing_the_released_version_releases_what_replaces_it(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = log_in(member("grace", "release managers").username)
    page.goto(address(movespec.versions.get(version_number=1)))
    page.get_by_role("link", name="Withdraw …").click()
    withdraw = page.get_by_role("button", name="Withdraw", exact=True)
    expect(withdraw).to_have_count(0)
    page.get_by_label("What replaces it").select_option(label="Version 2")
    page.get_by_role("button", name="Show what changes").click()
    # The last of the row, once what it does is seen.
    expect(withdraw).to_be_visible()
    last = page.locator(".submit-row > :last-child")
    assert last.get_attribute("value") == "Withdraw"
    assert page.get_by_role("region", name="Difference").locator("ins").inner_text() == "95"
    assert_accessible_and_fits(page)
    assert released_of(movespec) == 1

    do(page, "Withdraw", "It is unsafe.")

    assert told(page) == "Withdrew version 1 of Acme / owner / Squat; version 2 replaces it."
    assert released_of(movespec) == 2
    assert "It is unsafe." in page.locator("#content").inner_text()
    assert page.get_by_role("link", name="Release …").count() == 0


@pytest.mark.long
def test_of_two_who_release_the_second_is_told(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    third = make_version(movespec.id, THIRD)
    grace = log_in(member("grace", "release managers").username)
    alan = log_in(member("alan", "operators").username)
    grace.goto(address(second, "release"))
    alan.goto(address(third, "release"))

    do(grace, "Release", "Deeper squats.")
    assert told(grace) == "Released version 2 of Acme / owner / Squat."
    do(alan, "Release", "Shallower squats.")

    assert told(alan).startswith("Nothing was changed, for meanwhile grace released version 2")
    assert "Deeper squats." in told(alan)
    assert alan.get_by_label("Reason").input_value() == "Shallower squats."
    assert "From version 2 to version 3" in alan.locator("#content").inner_text()
    assert_accessible_and_fits(alan)
    assert released_of(movespec) == 2
    alan.get_by_role("button", name="Release", exact=True).click()
    assert told(alan) == "Released version 3 of Acme / owner / Squat."
    assert Release.objects.filter(movespec=movespec).count() == 3


@pytest.mark.long
def test_an_operator_rotates_a_key_that_expires(log_in: LogIn, site: str, owner: Machine) -> None:
    expires_at = timezone.now() + timedelta(days=9)
    ApiKey.objects.update(expires_at=expires_at)
    page = log_in(member("olga", "operators").username)
    page.goto(address(ApiKey.objects.get(), "rotate"))
    filled_in = page.get_by_label("The new one expires at").input_value()
    assert filled_in.startswith(f"{expires_at:%Y-%m-%dT}")
    do(page, "Rotate", "A yearly habit.")
    page.get_by_text(f"It expires at {expires_at:%Y-%m-%d}").wait_for()

    page.get_by_role("link", name="To the API key").click()
    page.get_by_role("link", name="Rotate …").click()
    page.get_by_label("The new one expires at").fill("")
    do(page, "Rotate", "For good.")
    page.get_by_text("It does not expire.").wait_for()
    assert ApiKey.objects.filter(expires_at__isnull=True).count() == 1


def mint(page: Page, secret: str) -> int:
    answer = page.request.post("/api/auth/access-tokens", data={"api_key": secret})
    return answer.status


@pytest.mark.long
def test_an_operator_issues_and_rotates_a_key(log_in: LogIn, site: str, owner: Machine) -> None:
    page = log_in(member("olga", "operators").username)
    page.goto(address(ApiKey, "changelist"))
    page.get_by_role("link", name="Add API key").click()
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("owner")
    page.locator(".select2-results__option", has_text="owner").click()
    page.get_by_role("button", name="Continue").click()
    assert page.locator("h1").inner_text() == "Issue an API key for Acme / owner"
    page.get_by_label("Name of the key").fill("Tablets")
    page.get_by_label("usage:read").uncheck()
    page.get_by_role("button", name="Issue an API key").click()

    secret = page.get_by_label("Secret").input_value()
    assert_accessible_and_fits(page)
    assert mint(page, secret) == 201
    issued = Credential.objects.get(name="Tablets")
    assert issued.kind == CredentialKind.API_KEY
    assert "usage:read" not in issued.scopes
    page.reload()
    assert "already" in told(page)
    assert secret not in page.content()
    assert Credential.objects.filter(name="Tablets").count() == 1

    page.get_by_role("link", name="Rotate …").click()
    assert_accessible_and_fits(page)
    page.get_by_label("no time: it is revoked at once").check()
    do(page, "Rotate", "It was in a screenshot.")

    successor = page.get_by_label("Secret").input_value()
    assert successor != secret
    assert (mint(page, secret), mint(page, successor)) == (401, 201)


@pytest.mark.long
def test_an_operator_suspends_and_resumes_a_project(
    log_in: LogIn, site: str, owner: Machine, movespec: MoveSpec
) -> None:
    session_id = owner.create_session(movespec).json()["session_id"]
    page = log_in(member("olga", "operators").username)
    bearer = {"Authorization": f"Bearer {owner.token}"}

    def asked() -> Any:
        answer = page.request.get(f"/api/detection/sessions/{session_id}", headers=bearer)
        body = answer.json()
        return body["error"]["code"] if answer.status == 403 else body["terminal_outcome"]

    assert asked() is None
    page.goto(address(owner.project))
    page.get_by_role("link", name="Suspend …").click()
    assert "1 live session" in page.locator(".effects").inner_text()
    assert_accessible_and_fits(page)
    do(page, "Suspend", "The invoice is open.")

    assert asked() == "project_suspended"
    page.get_by_role("link", name="Resume …").click()
    do(page, "Resume", "It was paid.")
    assert asked() == "suspended"
    page.get_by_role("link", name="History").click()
    history = page.locator("#change-history").inner_text()
    assert "The invoice is open." in history
    assert "It was paid." in history


@pytest.mark.long
def test_an_operator_cancels_sessions(
    log_in: LogIn, site: str, owner: Machine, movespec: MoveSpec
) -> None:
    for _ in range(3):
        owner.create_session(movespec)
    page = log_in(member("olga", "operators").username)
    page.goto(address(DetectionSession, "changelist"))
    boxes = page.locator("input.action-select")
    assert boxes.count() == 3
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.locator("select[name=action]").select_option("cancel")
    page.locator("button[name=index]").click()
    assert "2 selected" in page.locator("details.selected-rows").inner_text()
    assert_accessible_and_fits(page)
    do(page, "Cancel", "A test that was forgotten.")

    assert "2" in told(page)
    by_age = DetectionSession.objects.order_by("-created_at").values_list("status", flat=True)
    assert list(by_age) == ["cancelled", "created", "cancelled"]

    page.locator("#result_list tbody th a").nth(1).click()
    page.get_by_role("link", name="Cancel …").click()
    do(page, "Cancel", "This one too.")
    assert set(by_age.all()) == {"cancelled"}
    assert_accessible_and_fits(page)


@pytest.mark.long
def test_an_operator_delists_a_public_movespec(
    log_in: LogIn, site: str, public_movespec: MoveSpec
) -> None:
    page = log_in(member("olga", "operators").username)
    page.goto(address(public_movespec))
    page.get_by_role("link", name="Delist …").click()
    do(page, "Delist", "A complaint.")
    assert told(page) == "Delisted Acme / owner / Public squat."
    assert page.request.get(f"/api/movespecs/{public_movespec.id}").status == 404
    page.get_by_role("link", name="Relist …").click()
    do(page, "Relist", "It was answered.")
    assert page.request.get(f"/api/movespecs/{public_movespec.id}").status == 200


MAY = {
    "release managers": {"release", "withdraw"},
    "support": set(),
    "operators": {"release", "withdraw", "suspend", "rotate", "revoke", "cancel", "delist"},
}
READS_CREDENTIALS = {"support", "operators"}


@pytest.mark.long
@at_length("role", "support", "release managers", "operators")
def test_each_role_finds_what_it_may_and_is_refused_the_rest(
    log_in: LogIn,
    site: str,
    owner: Machine,
    public_movespec: MoveSpec,
    second: MoveSpecVersion,
    role: str,
) -> None:
    owner.create_session(public_movespec)
    key = ApiKey.objects.get(id=owner.credential.id)
    session = DetectionSession.objects.get()
    actions = {
        "release": second, "withdraw": second, "suspend": owner.project, "rotate": key,
        "revoke": key, "cancel": session, "delist": public_movespec,
    }  # fmt: skip
    page = log_in(member("somebody", role).username)

    for name, row in actions.items():
        opened = page.goto(address(row))
        reads = row is not key or role in READS_CREDENTIALS
        assert opened is not None
        assert opened.status == (200 if reads else 403), (role, name)
        offered = page.locator(f'.object-tools a[href="{address(row, name)}"]').count()
        assert offered == (1 if name in MAY[role] else 0), (role, name)
        answer = page.goto(address(row, name))
        assert answer is not None
        assert answer.status == (200 if name in MAY[role] else 403), (role, name)
    adds = page.goto(address(ApiKey, "add"))
    assert adds is not None
    assert adds.status == (200 if role == "operators" else 403)
