"""Names: what a client may give, and what becomes of those from before the rule."""

import sys
import unicodedata

import pytest

from common.names import UNSEEN_CATEGORIES, fault_of_name
from tests.api.api_requests import nothing_changes, refused_fields
from tests.conftest import MOVESPECS

UNSEEN = {
    "newline": "Squat\nTotal: 0",
    "return": "Squat\r",
    "tab": "a\tb",
    "NUL": "a\x00b",
    "escape": "\x1b[2J",
    "delete": "a\x7f",
    "C1": "a\x85b",
    "right-to-left override": "safe\u202egpj.exe",
    "isolate": "\u2066a\u2069",
    "zero width space": "ad\u200bmin",
    "joiner": "a\u200db",
    "byte order mark": "\ufeffSquat",
    "soft hyphen": "a\u00adb",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "tag": "a\U000e0041",
}
BLANK = {"space": " ", "spaces": "  ", "ideographic space": "\u3000", "no-break space": "\u00a0"}
unseen = pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN)
refused = pytest.mark.parametrize(
    ("name", "sentence"),
    [
        *((name, "Holds a control or format character.") for name in UNSEEN.values()),
        *((name, "Holds nothing but spaces.") for name in BLANK.values()),
    ],
    ids=[*UNSEEN, *BLANK],
)


@refused
def test_no_movespec_is_named_so(owner, movespec, public_movespec, name, sentence):
    fork = {"project_id": str(owner.project.id)}
    with nothing_changes():
        for method, rest, body in (
            ("POST", "", {}),
            ("PATCH", f"/{movespec.id}", {"description": "x"}),
            ("POST", f"/{public_movespec.id}/fork", fork),
        ):
            response = owner.call(method, MOVESPECS + rest, {**body, "name": name})
            assert refused_fields(response, "name") == {"name": sentence}


def test_no_character_that_does_not_show_is_let_by():
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        is_unseen = unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")
        assert (fault_of_name(f"a{character}") is not None) is is_unseen, hex(code)
    assert frozenset({"Cc", "Cf", "Zl", "Zp"}) == UNSEEN_CATEGORIES


@pytest.mark.parametrize(
    "name", ["Kniebeuge, tief", "スクワット\u3000膝", "قرفصاء", "🦵🏽", "e\u0301", "<b>"]
)
def test_every_script_names_a_movespec(owner, name):
    response = owner.post(MOVESPECS, {"name": name})
    assert (response.status_code, response.json()["name"]) == (201, name)


def test_it_is_told_of_the_longest_body_at_once(owner):
    with nothing_changes():
        fields = refused_fields(owner.post(MOVESPECS, {"name": "\u202e" * 80_000}), "name")
    assert fields == {
        "name": "This field must be a string of 1 to 255 characters, not one of 80000."
    }
