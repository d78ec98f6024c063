"""The versions with which a MoveSpec's page begins."""

import re

from django.test import Client
from django.utils import timezone

from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion
from movespecs.releases import version_release
from tests.admin.staffing import address, text_of
from tests.conftest import VALID_YAML, Machine, make_version


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
    manager: Client, owner: Machine, movespec: MoveSpec
) -> None:
    first = movespec.versions.get()
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
