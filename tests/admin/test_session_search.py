"""The search of the list of sessions by names: of a customer, a project, or a MoveSpec."""

import pytest
from django.test import Client

from movespecs.models import MoveSpec
from projects.models import Project
from tests.admin.session_rows import HOUR, NOON, listed, make_session
from tests.conftest import Machine, make_released

# The sessions, the newest first: whose, and of which MoveSpec.
Sessions = dict[str, str]


@pytest.fixture
def sessions(owner: Machine, outsider: Machine) -> Sessions:
    """Acme's and Elsewhere's: each of a MoveSpec of theirs, and Elsewhere's of one of Acme's."""
    acmes, _ = make_released(owner.project, name="Deep Squat")
    theirs, _ = make_released(outsider.project, name="Acme lunge")
    shared = MoveSpec(project_id=outsider.project.id)
    shared.current_released_version_id = acmes.current_released_version_id
    rows = {"squat of acme": acmes, "lunge of elsewhere": theirs, "squat of elsewhere": shared}
    return {
        name: make_session(movespec, created_at=NOON - HOUR * back)
        for back, (name, movespec) in enumerate(rows.items())
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # A MoveSpec is called so, too.
        ("acme", ["squat of acme", "lunge of elsewhere"]),
        ("ACME / owner", ["squat of acme"]),
        ("own", ["squat of acme"]),
        ("elsewhere", ["lunge of elsewhere", "squat of elsewhere"]),
        ("elsewhere outsider", ["lunge of elsewhere", "squat of elsewhere"]),
        ("squat", ["squat of acme", "squat of elsewhere"]),
        ('"deep squat"', ["squat of acme", "squat of elsewhere"]),
        # With the names of the MoveSpec's own customer and project, whoever ran it.
        ("acme squat", ["squat of acme", "squat of elsewhere"]),
        ("elsewhere lunge", ["lunge of elsewhere"]),
        ("elsewhere squat", []),
        ("lunge squat", []),
        ("%", []),
        ("/", []),
    ],
)
def test_it_finds_by_the_words_of_names(
    superuser: Client, sessions: Sessions, text: str, found: list[str]
) -> None:
    assert listed(superuser, q=text) == [sessions[name] for name in found]


def test_filters_narrow_what_a_name_finds(
    superuser: Client, sessions: Sessions, owner: Machine, outsider: Machine
) -> None:
    for chosen in (
        {"organization": outsider.organization.id},
        {"project__id__exact": outsider.project.id},
    ):
        assert listed(superuser, q="squat", **chosen) == [sessions["squat of elsewhere"]]
        assert listed(superuser, q="owner", **chosen) == []
        assert listed(superuser, q="outsider", **chosen) == [
            sessions["lunge of elsewhere"], sessions["squat of elsewhere"],
        ]  # fmt: skip
    assert listed(superuser, q="squat", status__exact="failed") == []
    assert listed(superuser, q="squat", status__exact="completed") == [
        sessions["squat of acme"], sessions["squat of elsewhere"],
    ]  # fmt: skip
    assert listed(superuser, q="squat", mode__exact="replay") == []
    assert listed(superuser, q="squat", day="2026-01-04") == []


def test_it_finds_by_the_id_of_a_customer_or_a_movespec(
    superuser: Client, sessions: Sessions, owner: Machine, outsider: Machine
) -> None:
    squat = MoveSpec.objects.get(name="Deep Squat")
    of_squat = [sessions["squat of acme"], sessions["squat of elsewhere"]]
    of_elsewhere = [sessions["lunge of elsewhere"], sessions["squat of elsewhere"]]
    for text in (str(squat.id), str(squat.id)[:8], f"movespec {squat.id} is slow"):
        assert listed(superuser, q=text) == of_squat
    for row in (outsider.organization, outsider.project):
        assert listed(superuser, q=row.pk) == listed(superuser, q=str(row.pk)[:8]) == of_elsewhere


def test_a_name_of_digits_is_found_where_no_session_has_such_an_id(
    superuser: Client, owner: Machine, movespec: MoveSpec
) -> None:
    Project.objects.filter(id=owner.project.id).update(name="20260105")
    mine = make_session(movespec, id="3fa9c07e-0000-4000-8000-000000000000")
    assert listed(superuser, q="20260105") == [mine]
    this = make_session(movespec, id="20260105-0000-4000-8000-000000000000", created_at=NOON - HOUR)
    assert listed(superuser, q="20260105") == [this]
