"""`/docs/search`: the guides searched, without a script"""

import re

import pytest
from django.test import Client

from guides.search import MAX_QUERY, SNIPPET, search, sections

ASKED = {
    "how do I rotate a key": "/docs/staff-guide#rotate-and-revoke-a-key",
    "what does 4401 mean": "/docs/streaming#close-codes",
    "how is a phase judged": "/docs/movespec/own-range",
    "where does a new scope go": "/docs/contributing#a-new-scope",
    "backup": "/docs/backup",
    "accuracy": "/docs/api#accuracy",
    "Idempotency-Key": "/docs/api#get-a-token-create-a-session",
    "TRUSTED_PROXIES": "/docs/settings",
}


@pytest.mark.parametrize(("query", "address"), ASKED.items())
def test_the_answer_is_among_the_first_three(query, address):
    found = [result.section.address.partition("#") for result in search(query)[:3]]
    wanted = address.partition("#")
    assert any(one[0] == wanted[0] and one[2].startswith(wanted[2]) for one in found), found


def test_every_section_of_every_guide_can_be_found():
    addresses = [section.address for section in sections()]
    assert len(set(addresses)) == len(addresses) > 200


def test_all_words_are_wanted_before_any():
    both = search("pgbouncer transaction")
    assert both
    assert all(re.search("pgbouncer", _whole(one), re.IGNORECASE) for one in both)
    assert search("pgbouncer zzzz")
    assert search("zzzz") == []


def _whole(result):
    section = result.section
    return f"{section.title} {section.heading.text} {section.text}"


def test_a_snippet_is_short_and_marks_what_was_asked_for():
    result = search("pgbouncer")[0]
    assert "pgbouncer" in {piece.lower() for piece, is_asked in result.snippet if is_asked}
    assert len("".join(piece for piece, _ in result.snippet)) <= SNIPPET + 4


@pytest.mark.django_db
def test_the_page_shows_results_and_the_query_is_only_text(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().get("/docs/search", {"q": '4401 <script>"'})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<mark>4401</mark>" in page
    assert 'value="4401 &lt;script&gt;&quot;"' in page
    assert "<script>" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["x" * 5000, "\\", "(", ".*", "a" * 99 + "é", "\x00"])
def test_whatever_is_asked_is_answered(query):
    page = Client().get("/docs/search", {"q": query})
    assert page.status_code == 200
    assert query[: MAX_QUERY + 1] not in page.content.decode() or len(query) <= MAX_QUERY
