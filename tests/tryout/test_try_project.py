"""The page's own project: made once, and with nobody's secret"""

from pathlib import Path

import psycopg
import pytest

from kynaplatform import clock
from projects.models import AccessToken, Credential, CredentialKind, Organization, Project
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes
from tests.concurrency.racing import Connection, racing, waiting_backends
from tests.server import test_database_url as database_url
from tests.server import web_server
from tests.tryout.trying import TRY_SESSIONS
from tests.waiting import eventually
from tryout.project import (
    ACCOUNT_ID,
    LOCK,
    NAME,
    PROJECT_ID,
    SESSION_EVENTS,
    SESSION_SECONDS,
    demo_account,
)


@pytest.mark.django_db
def test_its_one_credential_reads_sessions_and_no_more():
    demo_account(now=clock.now())
    account = Credential.objects.get(project_id=PROJECT_ID)
    assert account.id == ACCOUNT_ID
    assert account.kind == CredentialKind.SERVICE_ACCOUNT
    assert account.scopes == ["sessions:read"]


@pytest.mark.django_db
def test_asking_again_changes_nothing():
    demo_account(now=clock.now())
    with nothing_changes():
        demo_account(now=clock.now())


@pytest.mark.django_db
def test_a_project_of_earlier_code_gets_the_bounds_of_a_session():
    demo_account(now=clock.now())
    Project.objects.update(session_seconds=None, session_events=None)
    project = demo_account(now=clock.now()).project
    assert (project.session_seconds, project.session_events) == (SESSION_SECONDS, SESSION_EVENTS)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_begin_at_once_make_one_project(
    signing_key: None, catalogue: None, tmp_path: Path
):
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with (
        web_server(folders[0]) as one,
        web_server(folders[1]) as other,
        psycopg.connect(database_url()) as holder,
    ):
        holder.execute(LOCK, [NAME])
        asked = [
            lambda base_url=base_url: Connection(base_url).call(
                "POST", TRY_SESSIONS, {"movement": "squat"}
            )
            for base_url in (one, other)
        ]
        with racing(asked) as race:
            race.start()
            eventually(lambda: waiting_backends() == 2, "both wait for their turn")
            holder.rollback()
            assert [answer.status for answer in race.results()] == [201, 201]
    assert_made_once(sessions=2)


def assert_made_once(*, sessions: int) -> None:
    assert Organization.objects.count() == Project.objects.count() == 2  # and the catalogue's
    assert Credential.objects.count() == 1
    assert DetectionSession.objects.count() == AccessToken.objects.count() == sessions
