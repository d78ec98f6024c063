"""Ids in headings, crumbs and histories are short, and a reason has a column of its own."""

import re
from uuid import UUID

import pytest
from django.test import Client

from projects.models import ApiKey
from staff.display import short_id, short_ids, shortened
from staff.states import message_and_reason
from tests.admin.staffing import address, note_about, text_of
from tests.conftest import Machine

LOG = "/admin/admin/logentry/"
ID, OF_SESSION = "3fa9c07e-0000-4000-8000-000000000000", "01a22353-14bc-7001-8000-000000000000"
# The whole id is there to be copied; what is seen is cut to so many digits.
SHORT = re.compile(r'<span class="short-id of-(8|13)" title="([0-9a-f-]{36})">\2</span>')


def seen(markup: str) -> str:
    return SHORT.sub(lambda found: found[2][: int(found[1])], markup)


def test_each_whole_id_in_a_text_is_shortened_and_nothing_else() -> None:
    text = f"Rotated <b> ({ID}): {OF_SESSION} {ID[:-1]} x{ID}"
    assert shortened(text) == f"Rotated <b> (3fa9c07e): 01a22353-14bc {ID[:-1]} x{ID}"
    first, second = short_id(ID), short_id(OF_SESSION)
    assert short_ids(text) == f"Rotated &lt;b&gt; ({first}): {second} {ID[:-1]} x{ID}"
    assert (short_ids(""), short_ids("none"), short_ids(UUID(ID))) == ("", "none", first)


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("Suspended Acme. Reason: Unpaid.", ("Suspended Acme.", "Unpaid.")),
        ("Revoked a. Reason: b. Reason: c", ("Revoked a.", "b. Reason: c")),
        ("Issued to replace key.", ("Issued to replace key.", "")),
        ('[{"changed": {"fields": ["Name"]}}]', ("Changed Name.", "")),
    ],
)
def test_an_entry_of_any_release_is_a_deed_and_a_reason(
    owner: Machine, message: str, parts: tuple[str, str]
) -> None:
    assert message_and_reason(note_about(owner.project, message)) == parts


def test_a_reason_stands_whole_in_its_column_wherever_an_entry_is_shown(
    superuser: Client, owner: Machine
) -> None:
    """As an entry of an earlier release reads: with whole ids before the reason."""
    key = ApiKey.objects.get()
    reason = "why " * 249 + "not"
    entry = note_about(
        key, f"Rotated {'x' * 200} ({key.pk}): key ({ID}) replaces it. Reason: {reason}"
    )
    done = f"Rotated {'x' * 200} ({key.pk.hex[:8]}): key (3fa9c07e) replaces it."

    listed = text_of(superuser.get(LOG))
    assert f'<td class="field-why">{reason}</td>' in listed
    (cut,) = re.findall(r'<td class="field-shortly"><span title="(.*?)">(.*?)</span></td>', listed)
    assert cut == (message_and_reason(entry)[0], f"{done[:159]}…")

    page = seen(text_of(superuser.get(address(entry))))
    assert re.findall(r'<div class="readonly">(.*?)</div>', page)[-2:] == [done, reason]
    history = seen(text_of(superuser.get(address(key, "history"))))
    assert f"<td>ulf</td><td>{done}</td><td>{reason}</td>" in history
