"""The page of usage: to whom it is shown, what it sums up, and its CSV."""

import csv
import re
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection

from kynaplatform import clock
from tests.admin.staffing import ROLES, address, client_of, member, text_of
from tests.conftest import Machine
from tests.usage.using import use
from usage.models import UsageMonth
from usage.rollup import roll_up

LIST = address(UsageMonth, "changelist")
HOUR = 3_600_000


@pytest.fixture
def used(owner: Machine, peer: Machine, outsider: Machine) -> None:
    """Two months of one customer, by two projects, and one of another; a part rolled up."""
    use(owner, date(2026, 10, 31), frames=1000, active_ms=HOUR)
    use(owner, date(2026, 11, 1), frames=2000, active_ms=2 * HOUR)
    use(peer, date(2026, 11, 30), frames=500, active_ms=HOUR // 2, is_live=False)
    roll_up()
    use(owner, date(2026, 11, 30), frames=500, active_ms=HOUR // 2)
    use(outsider, date(2026, 11, 2), frames=7, active_ms=0)


def rows(response: Any) -> list[list[str]]:
    """The cells of the list's rows, without markup."""
    table = re.search(r'<table id="result_list">.*?</table>', text_of(response), re.DOTALL)
    if table is None:
        return []
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells]
        for row in re.findall(r"<tr>(.*?)</tr>", table[0].split("<tbody>")[1], re.DOTALL)
        if (cells := re.findall(r"<t[hd] class=\"[^>]*>(.*?)</t[hd]>", row, re.DOTALL))
    ]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_each_customer_by_month(used: None, role: str) -> None:
    assert rows(member(role).get(LIST)) == [
        ["November 2026", "Acme", "3", "3,000", "2,500", "3.0"],
        ["November 2026", "Elsewhere", "1", "7", "7", "0.0"],
        ["October 2026", "Acme", "1", "1,000", "1,000", "1.0"],
    ]


def test_whoever_may_not_view_it_gets_neither_page_nor_csv(used: None) -> None:
    nobody = client_of(User.objects.create_user("nobody", is_staff=True))
    assert nobody.get(LIST).status_code == 403
    assert nobody.get(f"{LIST}csv/").status_code == 403
    assert LogEntry.objects.count() == 0


def test_it_is_narrowed_to_a_month_and_a_customer(used: None, owner: Machine) -> None:
    staff = member("support")
    of_owner = {"organization_id__exact": str(owner.organization.id)}
    months = [row[0] for row in rows(staff.get(LIST, of_owner))]
    assert months == ["November 2026", "October 2026"]
    this = f"{clock.now():%Y-%m}"
    assert staff.get(LIST, {"month": this}).status_code == 200
    assert staff.get(LIST, {"month": "1999-01"}).status_code == 400
    assert staff.get(LIST, {"organization_id__exact": "acme"}).status_code == 400
    assert [row[1] for row in rows(staff.get(LIST, {"q": "else"}))] == ["Elsewhere"]
    assert [row[1] for row in rows(staff.get(LIST, {"q": str(owner.organization.id)}))] == [
        "Acme", "Acme",
    ]  # fmt: skip


def test_the_csv_has_whole_numbers_and_ids(used: None, owner: Machine, outsider: Machine) -> None:
    staff = member("support")
    answer = staff.get(f"{LIST}csv/")
    lines = list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))
    theirs, others = str(owner.organization.id), str(outsider.organization.id)
    assert lines == [
        [
            "month", "customer", "sessions", "accepted frames", "live frames", "active hours",
            "organization id", "active ms",
        ],
        ["2026-11", "Acme", "3", "3000", "2500", "3.0", theirs, str(3 * HOUR)],
        ["2026-11", "Elsewhere", "1", "7", "7", "0.0", others, "0"],
        ["2026-10", "Acme", "1", "1000", "1000", "1.0", theirs, str(HOUR)],
    ]  # fmt: skip
    assert LogEntry.objects.get().change_message == "Downloaded: all."


def test_a_customer_that_is_gone_keeps_its_sums(used: None, outsider: Machine) -> None:
    connection.cursor().execute("SET CONSTRAINTS ALL DEFERRED")
    organization_id = outsider.organization.id
    outsider.credential.access_tokens.all().delete()
    outsider.credential.delete()
    outsider.project.delete()
    outsider.organization.delete()
    listed = rows(member("support").get(LIST))
    assert [row[1] for row in listed] == ["Acme", f"erased, {organization_id}", "Acme"]
