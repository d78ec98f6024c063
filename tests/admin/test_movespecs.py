"""Staff find MoveSpecs, read their history, and moderate the public ones."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movespecs.catalogue import catalogue_id, catalogue_load
from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from movespecs.releases import version_release, version_withdraw
from tests.admin.staffing import address, member, text_of
from tests.api.api_requests import database_state
from tests.conftest import VALID_YAML, Machine, error_of, make_version


@pytest.fixture
def operator(db: None) -> Client:
    return member("operators", "olga")


def moderate(client: Client, movespec: MoveSpec, action: str, reason: str = "A complaint.") -> Any:
    return client.post(address(movespec, action), {"reason": reason}, follow=True)


def test_staff_find_movespecs(
    operator: Client, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    def found(**query: str) -> set[str]:
        page = operator.get(address(MoveSpec, "changelist"), query)
        assert page.status_code == 200
        return {row.name for row in page.context["cl"].result_list}

    assert found() == {"Squat", "Public squat"}
    assert found(q="public") == {"Public squat"}
    assert found(q=str(movespec.id)) == {"Squat"}
    assert found(q=str(movespec.project_id)) == {"Squat", "Public squat"}
    assert found(visibility__exact="private") == {"Squat"}
    assert found(current_released_version__isempty="1") == set()
    assert found(delisted_at__isempty="0") == set()


def test_what_would_not_show_of_a_strangers_text_is_written_out(
    operator: Client, owner: Machine, public_movespec: MoveSpec
) -> None:
    hostile, shown = "safe\u202egpj\nDelisted all.", "safe[U+202E]gpj[U+000A]Delisted all."
    MoveSpec.objects.update(name=hostile, description="Two\nlines\u2067.")
    MoveSpecDraft.objects.update(yaml_source="# \u202e\nname: x")

    pages = [
        operator.get(address(MoveSpec, "changelist")),
        operator.get(address(public_movespec)),
        operator.get(address(public_movespec, "delist")),
        moderate(operator, public_movespec, "delist"),
    ]

    for page in pages:
        assert shown in text_of(page)
        assert "\u202e" not in text_of(page)
    assert "Two<br>lines[U+2067]." in text_of(pages[1])
    assert shown in LogEntry.objects.get().object_repr
    assert f"Delisted Acme / owner / {shown}." in LogEntry.objects.get().get_change_message()
    draft = text_of(operator.get(address(MoveSpecDraft.objects.get())))
    assert "<code># [U+202E]</code>" in draft
    assert "\u202e" not in draft


def test_a_movement_of_the_catalogue_shows_its_accuracy_card(
    operator: Client, cards: None, movespec: MoveSpec
) -> None:
    catalogue_load(now=timezone.now())
    squat = MoveSpec.objects.get(id=catalogue_id("squat"))

    section = text_of(operator.get(address(squat))).split('<h2 id="accuracy">')[1]

    shown = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section.split("</dl>")[0])
    assert [(unescape(name), unescape(value)) for name, value in shown] == [
        ("People", "5"),
        ("Sets", "6"),
        ("Filmed from", "front, side"),
        ("Within one", "100%"),
        ("Exact", "83%"),
        ("F1", "0.97"),
        ("False a minute", "0.32"),
    ]
    sentence = "How far &lt;b&gt;the trunk&lt;/b&gt; leans, from the front."
    assert f"<p>What it can't see: {sentence}</p>" in section
    push_up = text_of(operator.get(address(MoveSpec.objects.get(id=catalogue_id("push-up")))))
    assert "<dt>False a minute</dt>" in push_up
    assert "can't see" not in push_up
    mark = '<span class="badge warning">experimental</span>'
    why = "Only 0% of recordings of people are counted within one."
    assert f"<p>{mark} {why}</p>" in push_up
    assert mark not in text_of(operator.get(address(squat)))
    rows = text_of(operator.get(address(MoveSpec, "changelist"))).split("<tr>")
    marked = {
        re.sub(r"<[^>]+>", "", re.findall(r"<th.*?</th>", row)[0]) for row in rows if mark in row
    }
    assert marked == {"push-up", "lunge"}
    for other in (MoveSpec.objects.get(id=catalogue_id("sit-up")), movespec):
        assert 'id="accuracy"' not in text_of(operator.get(address(other)))


def test_versions_are_listed_with_the_released_one_marked(
    operator: Client, movespec: MoveSpec
) -> None:
    second = make_version(movespec.id, VALID_YAML + "# 2\n")
    page = text_of(operator.get(address(movespec)))
    first = movespec.versions.get(version_number=1)
    assert page.index(address(second)) < page.index(address(first))
    assert page.count('<span class="badge good">released</span>') == 1
    row = page[page.index(address(first)) :].partition("</tr>")[0]
    assert "released" in row


def test_a_movespec_page_lists_twenty_versions_and_releases_and_links_to_all(
    operator: Client, movespec: MoveSpec
) -> None:
    page = address(movespec)
    operator.get(page)
    with CaptureQueriesContext(connection) as few:
        shown = text_of(operator.get(page))
    assert "All versions" not in shown
    assert "All releases" not in shown

    for number in range(2, 26):
        version = make_version(movespec.id, f"{VALID_YAML}# {number}\n")
        version_release(
            movespec_id=movespec.id, version_id=version.id, author=PLATFORM, now=timezone.now()
        )
    with CaptureQueriesContext(connection) as many:
        shown = text_of(operator.get(page))

    assert len(many) == len(few)
    # Twenty versions and twenty releases, of which the oldest leads from one version more.
    assert f"{address(movespec.versions.get(version_number=6))}" in shown
    assert f"{address(movespec.versions.get(version_number=4))}" not in shown
    for name, model in (("versions", MoveSpecVersion), ("releases", Release)):
        link = f"{address(model, 'changelist')}?movespec__id__exact={movespec.id}"
        assert f'<a href="{link}">All {name}</a>' in shown
        assert len(operator.get(link).context["cl"].result_list) == 25


def test_an_old_version_that_is_released_is_listed_after_the_newest(
    operator: Client, movespec: MoveSpec
) -> None:
    for number in range(2, 27):
        make_version(movespec.id, f"{VALID_YAML}# {number}\n")

    page = text_of(operator.get(address(movespec)))

    listed = re.findall(r">Version (\d+)</a></th><td>(.*?)</td>", page)
    assert [int(number) for number, _ in listed] == [*range(26, 6, -1), 1]
    assert [number for number, mark in listed if ">released<" in mark] == ["1"]
    assert page.count(f'<a href="{address(movespec.versions.get(version_number=1))}">') == 2


def test_delisting_hides_a_public_movespec_from_others_at_once(
    operator: Client, owner: Machine, outsider: Machine, public_movespec: MoveSpec
) -> None:
    path = f"/api/movespecs/{public_movespec.id}"
    assert outsider.get(path).status_code == 200

    answer = moderate(operator, public_movespec, "delist")

    assert "Delisted Acme / owner / Public squat." in text_of(answer)
    assert error_of(outsider.get(path))["code"] == "not_found"
    assert owner.get(path).json()["visibility"] == "private"
    entry = LogEntry.objects.get()
    assert (
        entry.get_change_message() == "Delisted Acme / owner / Public squat.\nReason: A complaint."
    )
    assert "A complaint." in text_of(operator.get(address(public_movespec, "history")))

    answer = moderate(operator, public_movespec, "relist", "It was answered.")

    assert "Relisted Acme / owner / Public squat." in text_of(answer)
    assert outsider.get(path).status_code == 200


def test_only_what_is_listed_is_delisted_and_only_what_is_delisted_relisted(
    operator: Client, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    """The pages that another member of staff left open a while ago."""
    moderate(operator, public_movespec, "delist")
    before = MoveSpec.objects.order_by("id").values()
    kept = list(before)
    entries = LogEntry.objects.count()
    for row, action, sentence in (
        (movespec, "delist", "Only a public MoveSpec that is listed can be delisted"),
        (public_movespec, "delist", "Only a public MoveSpec that is listed can be delisted"),
        (movespec, "relist", "The MoveSpec is not delisted any more."),
    ):
        assert address(row, action) not in text_of(operator.get(address(row)))
        answer = moderate(operator, row, action)
        assert answer.status_code == 409
        assert sentence in text_of(answer)
    assert list(before.all()) == kept
    assert LogEntry.objects.count() == entries


def test_many_are_delisted_at_once_and_what_can_not_be_is_told_of(
    operator: Client, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    page = address(MoveSpec, "changelist")
    chosen = {"action": "delist", "_selected_action": [str(movespec.id), str(public_movespec.id)]}

    asked = operator.post(page, chosen)
    assert "2 selected" in text_of(asked)
    assert MoveSpec.objects.filter(delisted_at__isnull=False).count() == 0
    without_reason = operator.post(page, {**chosen, "confirmed": "yes"})
    assert "This field is required." in text_of(without_reason)
    assert MoveSpec.objects.filter(delisted_at__isnull=False).count() == 0

    done = operator.post(page, {**chosen, "confirmed": "yes", "reason": "Spam."}, follow=True)

    assert "Delisted 1 of 2." in text_of(done)
    assert "Squat: Only a public MoveSpec" in text_of(done)
    delisted = MoveSpec.objects.filter(delisted_at__isnull=False)
    assert [one.id for one in delisted] == [public_movespec.id]


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes", "reason": "x"}])
def test_a_selection_of_ids_that_are_none_is_answered_with_a_word(
    operator: Client, public_movespec: MoveSpec, confirmed: dict[str, str]
) -> None:
    chosen = {"action": "delist", "_selected_action": ["nonsense"], **confirmed}
    answer = operator.post(address(MoveSpec, "changelist"), chosen, follow=True)
    assert (answer.status_code, "no such ids" in text_of(answer)) == (200, True)
    public_movespec.refresh_from_db()
    assert public_movespec.delisted_at is None


@pytest.mark.parametrize("role", ["support", "release managers"])
def test_only_operators_moderate(public_movespec: MoveSpec, role: str) -> None:
    client = member(role)
    assert address(public_movespec, "delist") not in text_of(client.get(address(public_movespec)))
    before = database_state()
    assert moderate(client, public_movespec, "delist").status_code == 403
    page = address(MoveSpec, "changelist")
    chosen = {"action": "delist", "_selected_action": [str(public_movespec.id)]}
    client.post(page, {**chosen, "confirmed": "yes", "reason": "x"})
    after = database_state()
    assert {name for name in after if after[name] != before[name]} <= {"django_session"}


def refused(statement: str, *parameters: Any) -> None:
    with (
        pytest.raises(DatabaseError, match="is immutable"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, parameters)


def test_the_database_refuses_to_change_who_withdrew_and_why(movespec: MoveSpec) -> None:
    table = MoveSpecVersion._meta.db_table
    first = movespec.versions.get()
    second = make_version(movespec.id, VALID_YAML + "# 2\n")
    version_withdraw(
        movespec_id=movespec.id,
        version_id=second.id,
        replacement_id=None,
        author=PLATFORM,
        now=timezone.now(),
        reason="A typo.",
    )
    # A reason without a withdrawal, another reason, and a withdrawal that is taken back.
    refused(f"UPDATE {table} SET withdrawal_reason = 'x' WHERE id = %s", first.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawal_reason = 'x' WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawn_at = NULL WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawn_at = now() WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET yaml_source = '' WHERE id = %s", first.id)  # noqa: S608
    refused(f"DELETE FROM {table} WHERE id = %s", first.id)  # noqa: S608
    refused("UPDATE movespecs_release SET reason = 'x'")
    refused("DELETE FROM movespecs_release")
    second.refresh_from_db()
    assert second.withdrawal_reason == "A typo."
