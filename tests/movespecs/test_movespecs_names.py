"""Names: what a client may give, and what becomes of those from before the rule."""

import sys
import unicodedata

import pytest

from common.names import fault_of_name
from tests.api.api_requests import nothing_changes, refused_fields
from tests.conftest import MOVESPECS

UNSEEN, BLANK = "Holds a control or format character.", "Holds nothing but spaces."


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Squat\nTotal: 0", UNSEEN),
        ("safe\u202egpj.exe", UNSEEN),
        ("a\u2028b", UNSEEN),
        ("\u3000", BLANK),
    ],
    ids=ascii,
)
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
