"""The search of the list of sessions by names: of a customer, a project, or a MoveSpec."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movespecs.models import MoveSpec
from projects.models import Organization, Project
from staff import session_list
from tests.admin.session_rows import HOUR, LIST, NOON, listed, make_session
from tests.conftest import VALID_YAML, Machine, make_machine, make_released, make_version

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


def test_spaces_alone_are_no_search(
    superuser: Client, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_list, "MAX_PROJECTS", 1)
    monkeypatch.setattr(session_list, "MAX_VERSIONS", 1)
    assert sorted(listed(superuser, q="  ")) == sorted(sessions.values())


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


@pytest.mark.parametrize("status", ["created", "streaming", "finalizing", "failed", "cancelled"])
def test_it_finds_by_name_in_every_state(
    superuser: Client, movespec: MoveSpec, outsider: Machine, status: str
) -> None:
    elsewhere = MoveSpec(project_id=outsider.project.id)
    elsewhere.current_released_version_id = movespec.current_released_version_id
    mine, theirs = make_session(movespec, status), make_session(elsewhere, status, created_at=NOON)
    make_session(make_released(outsider.project, name="Lunge")[0], status)
    assert set(listed(superuser, q="squat")) == {mine, theirs}
    assert set(listed(superuser, q="squat", status__exact=status)) == {mine, theirs}
    assert listed(superuser, q="acme owner") == [mine]


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


def test_of_a_name_the_newest_projects_and_versions_count(
    superuser: Client, owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_PROJECTS", "MAX_MOVESPECS", "MAX_VERSIONS"):
        monkeypatch.setattr(session_list, name, 1)
    old, new = make_session(movespec), []
    machine = make_machine(owner.organization, "app")
    newer, _ = make_released(machine.project, name="Squat too")
    new.append(make_session(newer, created_at=NOON - HOUR))
    assert listed(superuser, q="acme") == new
    assert listed(superuser, q="squat") == new
    later = make_version(newer.id, VALID_YAML + "# later\n")
    newer.current_released_version_id = later.id
    new.insert(0, make_session(newer))
    assert listed(superuser, q="squat") == new[:1]
    assert listed(superuser, q="owner") == [old]


def test_pages_of_what_a_name_finds_have_each_session_once(
    superuser: Client, movespec: MoveSpec
) -> None:
    """The project and the MoveSpec are both called so: each session is met twice."""
    MoveSpec.objects.update(name="Owner's squat")
    made = [
        make_session(movespec, created_at=NOON - timedelta(minutes=back // 4)) for back in range(70)
    ]
    shown, address = [], f"{LIST}?q=owner"
    while address:
        page = superuser.get(address).context["cl"]
        shown.append([str(one.id) for one in page.result_list])
        older = dict(page.neighbours).get("Older")
        address = LIST + older if older else ""
    assert [len(ids) for ids in shown] == [50, 20]
    assert sorted(chain.from_iterable(shown)) == sorted(made)


def test_many_named_projects_cost_the_queries_of_one(
    superuser: Client, owner: Machine, movespec: MoveSpec
) -> None:
    make_session(movespec)

    def queries(**asked: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert superuser.get(LIST, asked).status_code == 200
        return len(captured)

    # Login session and user; projects, MoveSpecs and their versions; the page's ids;
    # its rows.
    texts: list[dict[str, Any]] = [{"q": "acme"}, {"q": "squat"}]
    texts.append({"q": "acme", "status__exact": "completed"})
    few = [queries(**one) for one in texts]
    assert few == [6, 7, 6]
    for number in range(9):
        project = Project.objects.create(organization=owner.organization, name=f"App {number}")
        make_session(make_released(project)[0])
    assert [queries(**one) for one in texts] == few


def test_too_many_words_are_refused(superuser: Client, movespec: MoveSpec) -> None:
    session_id = make_session(movespec)
    line = f"a b c d e f g h i j k {session_id}"
    assert superuser.get(LIST, {"q": "a " * 11}).status_code == 400
    assert listed(superuser, q=line) == [session_id]


def test_a_download_has_what_a_name_finds(superuser: Client, sessions: Sessions) -> None:
    shown = superuser.get(f"{LIST}csv/", {"q": "squat"}).getvalue().decode().splitlines()[1:]
    assert [line.partition(",")[0].strip('"') for line in shown] == [
        sessions["squat of acme"], sessions["squat of elsewhere"],
    ]  # fmt: skip


def test_a_customer_without_projects_has_no_sessions(superuser: Client, sessions: Sessions) -> None:
    Organization.objects.create(name="Nobody yet")
    assert listed(superuser, q="nobody") == []
