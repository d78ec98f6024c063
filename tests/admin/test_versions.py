"""Staff read versions and compare them."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.drafts import movespec_archive
from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion
from movespecs.releases import version_release
from tests.admin.staffing import address, member, text_of
from tests.admin.version_actions import WARNED, act, changed_by_staff
from tests.api.api_requests import database_state
from tests.conftest import VALID_YAML, make_version


def test_a_version_page_shows_its_yaml_with_numbers(
    manager: Client, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second)))

    lines = re.findall(r'<tr id="line-(\d+)"[^>]*><td class="number">\1</td>', page)
    assert [int(number) for number in lines] == list(range(1, 15))
    assert "The YAML is valid and has no warnings." in page


def test_a_version_page_says_what_each_criterion_does_and_leads_to_its_line(
    manager: Client, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second)))

    assert re.findall(r"<li><a href=\"(#line-\d+)\">.*?</li>", page) == ["#line-10", "#line-13"]
    (role,) = re.findall(r'<li><a href="#line-10">(.*)</li>', page)
    assert unescape(role) == (
        'Line 10</a> <span class="badge">carries</span> The knee at 160° or more is the high end of'
        ' the movement, "standing": the first repetition must come 65° from the other end, later'
        " ones 60 % of the person's usual way, and each at least 32.5°."
        ' <span class="seen">Seen from the side.</span>'
    )
    assert '<a href="/docs/movespec#roles">The guide says more</a>' in page


def test_a_version_of_the_catalogue_says_which_checks_were_not_measured_on_people(
    manager: Client, cards: None, second: MoveSpecVersion
) -> None:
    catalogue_load(now=timezone.now())
    mark = '<span class="seen">Not measured on people.</span>'

    def marked(slug: str) -> list[str]:
        version = MoveSpecVersion.objects.get(movespec=catalogue_id(slug))
        roles = re.findall(r'<li><a href="#line-.*</li>', text_of(manager.get(address(version))))
        return [re.findall('For "(.+?)"', unescape(role))[0] for role in roles if mark in role]

    assert marked("push-up") == ["one line", "long legs"]
    assert marked("lunge") == ["upright"]
    assert mark not in text_of(manager.get(address(second)))


def test_a_version_page_compares_with_the_released_one(
    manager: Client, second: MoveSpecVersion
) -> None:
    page = text_of(manager.get(address(second)))

    assert "From version 1 to version 2" in page
    assert "<del>100</del>" in page
    assert "<ins>95</ins>" in page
    assert "unchanged lines" in page


def test_a_version_page_compares_with_any_other(
    manager: Client, first: MoveSpecVersion, second: MoveSpecVersion
) -> None:
    third = make_version(second.movespec_id, WARNED)

    page = text_of(manager.get(address(third), {"against": str(second.id)}))

    assert "From version 2 to version 3" in page
    for asked in (str(third.id), "nonsense", "00000000-0000-0000-0000-000000000000"):
        page = text_of(manager.get(address(third), {"against": asked}))
        assert "From version 1 to version 3" in page


def test_what_an_author_wrote_is_shown_as_text(manager: Client, movespec: MoveSpec) -> None:
    hostile = VALID_YAML + "# <script>alert(1)</script> \u202e\u200b\n"
    version = make_version(movespec.id, hostile)

    for page in (address(version), address(version, "release")):
        shown = text_of(manager.get(page))
        assert "<script>alert(1)" not in shown
        assert "&lt;script&gt;alert(1)" in shown
        assert "[U+202E][U+200B]" in shown
        assert "\u202e" not in shown


def test_a_version_of_an_archived_movespec_is_left_alone(
    manager: Client, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    movespec_archive(movespec_id=movespec.id, now=timezone.now())
    before = database_state()

    page = text_of(manager.get(address(second)))
    assert address(second, "release") not in page
    answer = act(manager, second, "release")

    assert (answer.status_code, "The MoveSpec is archived." in text_of(answer)) == (409, True)
    assert changed_by_staff(before) == set()


@pytest.mark.parametrize("name", ["release", "roll-back", "withdraw"])
def test_support_may_look_but_not_act(
    movespec: MoveSpec, second: MoveSpecVersion, name: str
) -> None:
    support = member("support")
    assert support.get(address(second)).status_code == 200
    assert address(second, name) not in text_of(support.get(address(second)))
    before = database_state()

    assert support.get(address(second, name)).status_code == 403
    refused = support.post(address(second, name), {"reason": "x", "seen": ""})

    assert refused.status_code == 403
    assert changed_by_staff(before) == set()


def rows_of(client: Client, movespec: MoveSpec) -> list[list[str]]:
    """The texts of the cells."""
    page = text_of(client.get(address(movespec)))
    table = page.partition('aria-label="Table of versions"')[2].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("</tr>")[:-1]
    return [
        [
            " ".join(re.sub("<[^>]+>", " ", cell).split())
            for cell in re.split("<t[hd][^>]*>", row)[1:]
        ]
        for row in rows
    ]


def release(movespec: MoveSpec, version: MoveSpecVersion) -> None:
    version_release(
        movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=timezone.now()
    )


def test_each_row_says_its_state_and_author_and_leads_on(
    manager: Client, movespec: MoveSpec, first: MoveSpecVersion
) -> None:
    second = make_version(movespec.id, VALID_YAML + "# two\n")
    make_version(movespec.id, VALID_YAML + "# three\n")
    release(movespec, second)
    found = rows_of(manager, movespec)
    assert [row[:2] + row[3:] for row in found] == [
        ["Version 3", "never released", "the platform", "Compare · Sessions · Release …"],
        ["Version 2", "released", "the platform", "Sessions"],
        [
            "Version 1", "released before", "the platform",
            "Compare · Sessions · Roll back to …",
        ],
    ]  # fmt: skip
    page = text_of(manager.get(address(movespec)))
    assert f"{address(second)}?against={first.pk}#against" in page


def test_support_may_compare_and_release_nothing(support: Client, movespec: MoveSpec) -> None:
    make_version(movespec.id, VALID_YAML + "# two\n")
    assert [row[-1] for row in rows_of(support, movespec)] == ["Compare · Sessions", "Sessions"]
