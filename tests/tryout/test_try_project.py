"""The page's own project: made once, kept at the catalogue's texts, and with nobody's secret"""

from pathlib import Path

import psycopg
import pytest

from kynaplatform import clock
from movespecs.catalogue import catalogue_id, catalogue_load, catalogue_slugs, catalogue_text
from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion, Release
from movespecs.releases import version_release
from projects.models import AccessToken, Credential, CredentialKind, Organization, Project
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes
from tests.concurrency.racing import Connection, racing, waiting_backends
from tests.server import test_database_url as database_url
from tests.server import web_server
from tests.tryout.trying import TRY_SESSIONS
from tests.waiting import eventually
from tryout import project as demo
from tryout.project import ACCOUNT_ID, LOCK, NAME, PROJECT_ID, demo_account, movespec_id


def prepare_anew():
    """As another process does, which has not asked yet."""
    demo._is_prepared.clear()
    demo_account(now=clock.now())


def fork(slug="squat"):
    return MoveSpec.objects.select_related("current_released_version", "draft").get(
        id=movespec_id(slug)
    )


@pytest.mark.django_db
def test_it_has_a_fork_of_each_movement_released_with_the_text_of_the_catalogue():
    catalogue_load(now=clock.now())
    prepare_anew()
    for slug in catalogue_slugs():
        made = fork(slug)
        assert made.current_released_version.yaml_source == catalogue_text(slug)
        assert made.current_released_version.version_number == 1
        assert (made.project_id, made.forked_from_id) == (PROJECT_ID, catalogue_id(slug))
        assert not made.is_public
    assert MoveSpec.objects.filter(project_id=PROJECT_ID).count() == len(catalogue_slugs())


@pytest.mark.django_db
def test_its_one_credential_reads_sessions_and_no_more():
    prepare_anew()
    account = Credential.objects.get(project_id=PROJECT_ID)
    assert account.id == ACCOUNT_ID
    assert account.kind == CredentialKind.SERVICE_ACCOUNT
    assert account.scopes == ["sessions:read"]


@pytest.mark.django_db
def test_another_process_changes_nothing():
    prepare_anew()
    with nothing_changes():
        prepare_anew()


@pytest.fixture
def versions(tmp_path, monkeypatch):
    """Loads the catalogue as the code of a version has it; and lets a process of it prepare."""

    class Versions:
        def folder(self, name):
            """Of the older version, or of the newer with other texts of the squat and the lunge."""
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            for slug in catalogue_slugs():
                text = catalogue_text(slug)
                if name == "newer" and slug in ("squat", "lunge"):
                    text = text.replace("Good depth.", "Very deep.")
                (folder / f"{slug}.yaml").write_text(text)
            return folder

        def load(self, name):
            catalogue_load(now=clock.now(), folder=self.folder(name))

        def prepare(self, name):
            folder = self.folder(name)
            with monkeypatch.context() as patch:
                patch.setattr(demo, "catalogue_text", lambda slug: catalogue_text(slug, folder))
                prepare_anew()

        def text(self, name, slug):
            return catalogue_text(slug, self.folder(name))

    return Versions()


@pytest.mark.django_db
def test_a_changed_text_of_the_catalogue_is_released(versions):
    versions.load("older")
    versions.prepare("older")
    before = fork().current_released_version_id
    versions.load("newer")
    versions.prepare("older")
    after = fork()
    assert after.current_released_version.yaml_source == versions.text("newer", "squat")
    assert after.current_released_version.version_number == 2
    release = Release.objects.filter(movespec=after).first()
    assert (release.from_version_id, release.to_version_id) == (
        before, after.current_released_version_id,
    )  # fmt: skip
    assert MoveSpecVersion.objects.filter(movespec_id=movespec_id("push-up")).count() == 1


@pytest.mark.django_db
def test_a_rollback_of_the_catalogue_is_followed(versions):
    versions.load("older")
    first = MoveSpec.objects.get(id=catalogue_id("squat")).current_released_version_id
    versions.load("newer")
    versions.prepare("newer")
    version_release(
        movespec_id=catalogue_id("squat"), version_id=first, author=PLATFORM, now=clock.now()
    )
    versions.prepare("newer")
    assert fork("squat").current_released_version.yaml_source == versions.text("older", "squat")
    assert fork("lunge").current_released_version.yaml_source == versions.text("newer", "lunge")
    with nothing_changes():
        versions.prepare("older")
        versions.prepare("newer")


@pytest.mark.django_db
def test_what_staff_have_archived_rolled_back_or_withdrawn_stays_so(versions):
    versions.load("older")
    versions.prepare("older")
    first = fork("lunge").current_released_version_id
    MoveSpec.objects.filter(id=movespec_id("squat")).update(archived_at=clock.now())
    versions.load("newer")
    versions.prepare("newer")
    version_release(
        movespec_id=movespec_id("lunge"), version_id=first, author=PLATFORM, now=clock.now()
    )
    MoveSpec.objects.filter(id=movespec_id("push-up")).update(current_released_version=None)
    with nothing_changes():
        versions.prepare("newer")
    assert fork("lunge").current_released_version_id == first
    assert fork("squat").current_released_version.version_number == 1


@pytest.mark.django_db
@pytest.mark.parametrize("made", [True, False])
def test_a_text_that_only_newer_code_can_read_is_left(made):
    catalogue_load(now=clock.now())
    if made:
        prepare_anew()
    released = MoveSpecVersion.objects.get(movespec_id=catalogue_id("squat"))
    newer = MoveSpecVersion.objects.create(
        movespec_id=released.movespec_id,
        version_number=2,
        yaml_source="name: squat\nof_newer_code: true\n",
        content_hash="x",
    )
    MoveSpec.objects.filter(id=catalogue_id("squat")).update(current_released_version=newer)
    prepare_anew()
    assert fork().current_released_version.yaml_source == catalogue_text("squat")
    assert fork().current_released_version.version_number == 1


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_begin_at_once_make_one_project(signing_key: None, tmp_path: Path):
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
    for model in (Organization, Project, Credential):
        assert model.objects.count() == 1
    assert MoveSpec.objects.count() == MoveSpecVersion.objects.count() == len(catalogue_slugs())
    assert Release.objects.count() == len(catalogue_slugs())
    assert DetectionSession.objects.count() == AccessToken.objects.count() == sessions
