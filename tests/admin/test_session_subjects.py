"""Subjects and notes in the admin: a session's page, the search, the box, and the CSV."""

import re
import uuid
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from movespecs.models import MoveSpec
from sessions_app import listing
from tests.admin.session_rows import HOUR, LIST, NOON, listed, make_session
from tests.admin.staffing import words
from tests.conftest import Machine, make_released

Sessions = dict[str, str]
FILES = "/admin/sessions_app/detectionsession/csv/"


@pytest.fixture
def sessions(movespec: MoveSpec, outsider: Machine) -> Sessions:
    """The newest first: three of the owner's, and one of another customer's with the same id."""
    elsewhere, _ = make_released(outsider.project)
    columns = {
        "anna": {"subject": "p_1", "metadata": {"clinic": "north wing", "plan": "a"}},
        "ben": {"subject": "p_2", "metadata": {"clinic": "south", "plan": "a"}},
        "live": {"subject": "p_1", "metadata": {"plan": "a"}, "status": "streaming"},
        "theirs": {"subject": "p_1", "metadata": {"note": "south"}},
        "plain": {},
    }
    return {
        name: make_session(
            elsewhere if name == "theirs" else movespec, created_at=NOON - HOUR * back, **more
        )
        for back, (name, more) in enumerate(columns.items())
    }


SEARCHES = [
    ("p_1", ["anna", "live", "theirs"]),
    ("subject:p_1", ["anna", "live", "theirs"]),
    ("subject: p_2", ["ben"]),
    ("metadata:p_1", []),
    ("north wing", ["anna"]),
    ("metadata:north wing", ["anna"]),
    ("metadata:a", ["anna", "ben", "live"]),
    ("metadata:south", ["ben", "theirs"]),
    ("subject:south", []),
    # Whole ones alone; and what a note is called is no part of it.
    ("p_", []),
    ("north", []),
    ("clinic", []),
    ("metadata:", []),
    ("subject:", []),
    ('metadata:"', []),
    ("metadata:%", []),
]


@pytest.mark.parametrize(
    ("text", "found", "most"),
    [
        *((*one, listing.MAX_WITH_A_NOTE) for one in SEARCHES),
        ("north wing", ["anna"], 0),
        ("metadata:a", ["anna", "ben", "live"], 0),
        ("metadata:%", [], 0),
    ],
)
def test_it_finds_by_a_whole_subject_or_note(
    superuser: Client,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    found: list[str],
    most: int,
) -> None:
    """The same where they are more than the index is asked for."""
    monkeypatch.setattr(listing, "MAX_WITH_A_NOTE", most)
    assert listed(superuser, q=text) == [sessions[name] for name in found]


def listed_at(client: Client, address: str) -> list[str]:
    return [str(one.pk) for one in client.get(address).context["cl"].result_list]


def test_its_page_shows_the_context_and_leads_to_the_persons_sessions(
    superuser: Client, movespec: MoveSpec, sessions: Sessions
) -> None:
    this = make_session(
        movespec,
        created_at=NOON + HOUR,
        subject="p_2",
        locale="de-AT",
        parameters={"depth": 92.5},
        metadata={"a.b": "<script>alert(1)</script>"},
    )
    answer = superuser.get(f"{LIST}{this}/change/")
    assert "<script>alert" not in answer.content.decode()
    text = words(answer)
    (theirs,) = re.findall(r'<a href="([^"]+)">p_2</a>', answer.content.decode())
    theirs = unescape(theirs)
    for told in ("Subject p_2", "Language de-AT", '"depth": 92.5', "a.b <script>alert(1)"):
        assert told in text
    assert listed_at(superuser, theirs) == [this, sessions["ben"]]
    plain = words(superuser.get(f"{LIST}{sessions['plain']}/change/"))
    assert "Metadata" not in plain.split("Connections")[0]


def test_no_log_of_staff_has_a_subject_or_a_note(superuser: Client, sessions: Sessions) -> None:
    for text in ("p_1", "metadata:south", "acme"):
        answer = superuser.get(FILES, {"q": text, "status__exact": "completed"})
        assert b"".join(answer.streaming_content).count(b"\n") > 1
    told = LogEntry.objects.order_by("id").values_list("change_message", flat=True)
    hidden = "Downloaded: q=a subject or a note, status__exact=completed."
    assert list(told) == [hidden, hidden, "Downloaded: q=acme, status__exact=completed."]


@pytest.mark.parametrize(
    "text", ["p_gone", "subject:p_gone", "metadata:gone", str(uuid.UUID(int=1))]
)
def test_no_log_of_staff_has_what_was_sought_in_vain(
    superuser: Client, sessions: Sessions, text: str
) -> None:
    answer = superuser.get(FILES, {"q": text})
    assert b"".join(answer.streaming_content).count(b"\n") == 1
    assert LogEntry.objects.get().change_message == "Downloaded: q=a subject or a note."
