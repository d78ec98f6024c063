"""Pages of the longest texts that there may be: how large they are, and what they leave out."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from movespecs.drafts import MAX_YAML_BYTES
from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
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
        address(version), address(version, "release"), address(version, "withdraw"),
        address(MoveSpecDraft.objects.get()),
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
