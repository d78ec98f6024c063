"""Pages of the longest texts that there may be: how large they are, and what they leave out."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from movespecs.drafts import MAX_YAML_BYTES, draft_replace, movespec_create
from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from staff.movespec_text import MAX_LINES
from tests.admin.staffing import address, text_of
from tests.conftest import VALID_YAML

KIB = 1024
BLANK_LINES = "\n" * MAX_YAML_BYTES
OTHER_LINES = "\r" * MAX_YAML_BYTES
COMMENTS = "#\n" * (MAX_YAML_BYTES // 2)
BIDI = "\u202e" * (MAX_YAML_BYTES // 3)
CONTROLS = "\x01" * MAX_YAML_BYTES
QUOTES = "'" * MAX_YAML_BYTES
ISSUES = "a: b\n" * (MAX_YAML_BYTES // 5)
UNKNOWN = "".join(f"{'k' * 50}{number}: x\n" for number in range(1000))


def version_of(movespec: MoveSpec, text: str) -> MoveSpecVersion:
    """The next version, written past the API, which refuses to make one of a text with errors."""
    number = movespec.versions.count() + 1
    now = timezone.now()
    return MoveSpecVersion.objects.create(
        movespec=movespec, version_number=number, yaml_source=text, content_hash="0" * 64,
        created_at=now,
    )  # fmt: skip


def page_of(client: Client, place: str, **asked: Any) -> str:
    answer = client.get(place, asked)
    assert answer.status_code == 200
    return text_of(answer)


def numbers(page: str) -> list[int]:
    """Of the lines of the YAML on the page."""
    return [int(one) for one in re.findall(r'<tr id="line-(\d+)"', page)]


def differences(page: str) -> int:
    return len(re.findall(r'<tr class="(?:same|changed|added|removed|skipped)"', page))


@pytest.mark.parametrize(
    ("text", "most"),
    [
        pytest.param(BLANK_LINES, 600, id="blank", marks=pytest.mark.long),
        pytest.param(OTHER_LINES, 600, id="returns", marks=pytest.mark.long),
        pytest.param(COMMENTS, 700, id="comments", marks=pytest.mark.long),
        pytest.param(BIDI, 700, id="bidi"),
        pytest.param(CONTROLS, 2100, id="controls"),
        pytest.param(QUOTES, 1600, id="quotes", marks=pytest.mark.long),
        pytest.param(ISSUES, 800, id="syntax", marks=pytest.mark.long),
        pytest.param(UNKNOWN, 800, id="issues"),
    ],
)  # fmt: skip
def test_no_text_makes_a_page_of_more(
    manager: Client, movespec: MoveSpec, text: str, most: int
) -> None:
    """In KiB: of a version beside the released one, of its actions, and of a draft."""
    assert len(text.encode()) <= MAX_YAML_BYTES
    version = version_of(movespec, text)
    MoveSpecDraft.objects.update(yaml_source=text)
    pages = [
        address(version), address(version) + "?whole=yes", address(version, "release"),
        address(version, "withdraw"), address(MoveSpecDraft.objects.get()),
    ]  # fmt: skip
    sizes = [len(page_of(manager, page).encode()) for page in pages]
    assert max(sizes) < most * KIB, sizes
    assert max(sizes) > most * KIB / 3, "this holds nothing"


@pytest.mark.long
def test_a_page_shows_the_first_lines_and_leads_to_all(manager: Client, movespec: MoveSpec) -> None:
    version = version_of(movespec, COMMENTS)

    page = page_of(manager, address(version))

    assert numbers(page) == list(range(1, MAX_LINES + 1))
    left_out = len(COMMENTS) // 2 - MAX_LINES
    assert f"the first {MAX_LINES} lines, and {left_out} more are left out." in page
    (to_all,) = re.findall(r'<a href="([^"]+)">All lines</a>', page)
    whole = page_of(manager, unescape(to_all))
    assert numbers(whole) == list(range(1, len(COMMENTS) // 2 + 1))
    assert "Not all is shown" not in whole


@pytest.mark.parametrize(("count", "left_out"), [(MAX_LINES, 0), (MAX_LINES + 1, 1)])
def test_nothing_is_left_out_of_what_fits(
    manager: Client, movespec: MoveSpec, count: int, left_out: int
) -> None:
    version = version_of(movespec, VALID_YAML + "#\n" * (count - VALID_YAML.count("\n")))
    page = page_of(manager, address(version), whole="yes")
    assert len(numbers(page)) == MAX_LINES
    assert differences(page) == MAX_LINES
    assert page.count("Not all is shown") == 2 * left_out
    if left_out:
        assert f"the first {MAX_LINES} lines, and 1 more is left out." in page
        assert "<strong>1 of them differs</strong>" in page


def test_a_change_beyond_the_cut_is_told_and_shown_by_the_link(
    manager: Client, movespec: MoveSpec
) -> None:
    many = "".join(f"# {number}\n" for number in range(5000))
    old = version_of(movespec, VALID_YAML + many)
    new = version_of(movespec, VALID_YAML + many.replace("# 4000\n", "# four thousand\n"))

    page = page_of(manager, address(new), against=str(old.id), whole="yes")

    assert "four thousand" not in page.split('id="against"')[1]
    assert differences(page) == MAX_LINES
    assert "3014 more lines are left out, and <strong>1 of them differs</strong>." in page
    (to_all,) = re.findall(r'<a href="([^"]+)">The whole comparison</a>', page)
    assert to_all.endswith("#against")
    whole = page_of(manager, unescape(to_all).removesuffix("#against"))
    assert "<ins>four thousand</ins>" in whole
    assert differences(whole) == 5014
    # Without the unchanged lines it is on the page at once.
    assert "<ins>four thousand</ins>" in page_of(manager, address(new), against=str(old.id))


@pytest.mark.parametrize("name", ["release", "withdraw"])
def test_an_act_says_that_not_all_that_changes_is_shown(
    manager: Client, movespec: MoveSpec, name: str
) -> None:
    many = "".join(f"# {number}\n" for number in range(3000))
    version = version_of(movespec, VALID_YAML + many)

    page = page_of(manager, address(version, name))

    assert "<strong>Not all is shown:</strong> of this comparison" in page
    # A line that stands for unchanged ones, and three of those, are shown before the changes.
    assert f"<strong>{3000 - MAX_LINES + 4} of them differ</strong>" in page
    (to_all,) = re.findall(r'<a href="([^"]+)">The whole comparison</a>', page)
    whole = page_of(manager, unescape(to_all).removesuffix("#against"))
    assert differences(whole) == 3004
    assert whole.count('<tr class="added">') == 3000
    assert Release.objects.filter(movespec=movespec).count() == 1


def test_an_act_without_a_comparison_says_so_too(manager: Client, movespec: MoveSpec) -> None:
    fresh = movespec_create(
        project_id=movespec.project_id, name="Fresh", description=None, author=PLATFORM,
        now=timezone.now(),
    )  # fmt: skip
    version = version_of(fresh, VALID_YAML + "#\n" * 3000)

    page = page_of(manager, address(version, "release"))

    assert f"the first {MAX_LINES} lines, and 1014 more are left out." in page
    (to_all,) = re.findall(r'<a href="([^"]+)">All lines</a>', page)
    assert len(numbers(page_of(manager, unescape(to_all)))) == 3014


@pytest.mark.long
def test_an_issue_beyond_the_cut_is_listed_and_leads_to_its_line(
    manager: Client, movespec: MoveSpec
) -> None:
    text = "#\n" * 3000 + VALID_YAML.replace("joint: knee, angle_min: 60", "joint: kne")
    version = version_of(movespec, text)
    draft = draft_replace(
        movespec_id=movespec.id, yaml_source=text, author=PLATFORM, now=timezone.now()
    )
    for page in (address(version), address(version, "release"), address(draft)):
        shown = page_of(manager, page)
        (to_line,) = re.findall(r'<a href="([^"]+)">line 3013</a>', shown)
        place, fragment = unescape(to_line).split("#")
        assert fragment == "line-3013"
        whole = page_of(manager, page + place if place.startswith("?") else place)
        assert re.search(r'<tr id="line-3013" class="error">.*joint: kne,?', whole)


def test_a_role_beyond_the_cut_is_listed_and_leads_to_its_line(
    manager: Client, movespec: MoveSpec
) -> None:
    version = version_of(movespec, "#\n" * 3000 + VALID_YAML)
    shown = page_of(manager, address(version))
    (to_line,) = re.findall(r'<a href="([^"]+)">Line 3013</a>', shown)
    place, fragment = unescape(to_line).split("#")
    assert fragment == "line-3013"
    assert '<tr id="line-3013">' in page_of(manager, place)


def test_a_draft_shows_what_would_not_show(manager: Client, movespec: MoveSpec) -> None:
    MoveSpecDraft.objects.update(yaml_source="name: <b>\u202ex\n\nversion: 1\n")
    page = page_of(manager, address(MoveSpecDraft.objects.get()))
    assert numbers(page) == [1, 2, 3]
    assert "name: &lt;b&gt;[U+202E]x" in page
    assert "<strong>Error</strong>" in page
    MoveSpecDraft.objects.update(yaml_source="")
    assert numbers(page_of(manager, address(MoveSpecDraft.objects.get()))) == []


def test_a_list_shows_no_description_and_cuts_no_name(manager: Client, movespec: MoveSpec) -> None:
    MoveSpec.objects.update(name="n" * 255, description="d" * 2000)
    for number in range(50):
        MoveSpec.objects.create(
            project=movespec.project, name=f"{number}" + "&" * 250, description="d" * 2000,
            created_at=timezone.now(), updated_at=timezone.now(),
        )  # fmt: skip
    page = page_of(manager, address(MoveSpec, "changelist"))
    assert "d" * 20 not in page
    assert len(page.encode()) < 200 * KIB
    assert page_of(manager, address(movespec)).count("d" * 2000) == 1
