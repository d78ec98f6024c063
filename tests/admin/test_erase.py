"""Organizations and projects are erased in the admin, and by the worker."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from erasure import erasures
from erasure.erasures import owner_erase
from erasure.models import Erasure
from erasure.tasks import erasures_go_on
from kynaplatform import clock
from movespecs.catalogue import CATALOGUE_PROJECT
from movespecs.models import MoveSpec, MoveSpecVersion, Release
from projects.models import AccessToken, Credential, Organization, Project
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.retention import prune_staff_log
from tests.admin.staffing import LEVELS, address, client_of, do, member, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, VALID_YAML, Machine, make_released, make_version
from tests.erasure.people import ANNA, counted
from tests.sessions_app.lifecycle_scene import Scene, at
from tests.test_secrets_nowhere import every_cell
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import WebhookDelivery, WebhookEndpoint

REASON = "Contract 812 ended"


@pytest.fixture
def administrator(db: None) -> Client:
    return client_of(User.objects.create_superuser("ada"))


def erase(client: Client, row: Any, **typed: str) -> Any:
    body = {"name": row.name, "id_digits": str(row.pk)[:8], "reason": REASON, **typed}
    return client.post(address(row, "erase"), body, follow=True)


def run() -> None:
    later = clock.now() + timedelta(minutes=2)
    for _ in range(3):
        erasures_go_on(now=later)


@pytest.fixture
def full(owner: Machine, peer: Machine, movespec: MoveSpec) -> Machine:
    """A project with something in every table."""
    scene = Scene(owner, movespec)
    make_version(movespec.id, VALID_YAML + "# another\n")
    endpoint = make_endpoint(owner.project)
    counted(scene, ANNA, (clock.now() - at(0)).total_seconds() - 1000)
    owner.create_session(movespec, subject=ANNA)
    make_delivery(endpoint, body="of Acme")
    return owner


@LEVELS
def test_it_erases_all_of_it_and_nothing_else(
    administrator: Client, full: Machine, peer: Machine, outsider: Machine, level: str
) -> None:
    row = getattr(full, level)
    kept, _ = make_released(outsider.project, VALID_YAML)
    MoveSpec.objects.filter(id=kept.id).update(
        forked_from=MoveSpec.objects.get(project=full.project)
    )
    do(administrator, full.project, "suspend", "Of Acme's clinic")

    answer = erase(administrator, row)

    erasure = Erasure.objects.get()
    assert answer.redirect_chain == [(address(erasure), 302)]
    assert "Erasure begun: all that it has goes for good." in text_of(answer)
    code = "organization_suspended" if level == "organization" else "project_suspended"
    refused(full.get(MOVESPECS), 403, code)
    assert not DetectionSession.objects.exclude(status__in=["cancelled", "completed"]).exists()

    run()

    erasure.refresh_from_db()
    assert (erasure.sessions, erasure.ended_at is not None) == (2, True)
    gone = {full.project.id} | ({full.organization.id} if level == "organization" else set())
    if level == "organization":
        gone.add(peer.project.id)
    projects = {full.project.id, peer.project.id, outsider.project.id} - gone
    assert {*Project.objects.values_list("id", flat=True)} == projects
    assert Organization.objects.filter(id=full.organization.id).exists() is (level == "project")
    for model in (Credential, AccessToken):
        assert {*model.objects.values_list("project_id", flat=True)} == projects
    for model in (DetectionSession, DetectionEvent, WebhookDelivery, WebhookEndpoint):
        assert not model.objects.exists()
    assert [one.movespec_id for one in MoveSpecVersion.objects.all()] == [kept.id]
    kept.refresh_from_db()
    assert kept.forked_from_id is None
    # Of what was told of it the line of the erasure is left, and it names nobody.
    lines = LogEntry.objects.filter(object_id__in=[*map(str, gone)])
    assert [(line.user.username, line.object_repr, line.change_message) for line in lines] == [
        (
            "ada",
            str(row.id),
            f"Erasure begun: all that it has goes for good.\nReason: {REASON}",
        )
    ]
    everything = b" ".join(value for _, value in every_cell())
    for word in (ANNA, "of Acme", "owner's key", "127.0.0.1:9/hook"):
        assert word.encode() not in everything, word
    assert full.credential.secret_hash not in everything
    assert b"outsider's key" in everything


def test_its_lines_outlive_the_retention_of_the_log_and_the_organization(
    administrator: Client, owner: Machine, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are pending, and the organization's erasure comes to the project first."""
    erase(administrator, owner.project)
    erase(administrator, owner.organization)
    of_project, of_organization = Erasure.objects.order_by("requested_at")
    Erasure.objects.filter(id=of_organization.id).update(
        requested_at=of_project.requested_at - timedelta(seconds=1)
    )
    monkeypatch.setattr("random.shuffle", lambda ids: None)
    run()
    assert not Organization.objects.filter(id=owner.organization.id).exists()
    settings.STAFF_LOG_RETENTION_DAYS = 30
    prune_staff_log(now=clock.now() + timedelta(days=31))
    assert {*LogEntry.objects.values_list("object_id", "object_repr")} == {
        (str(row.id), str(row.id)) for row in (owner.project, owner.organization)
    }


@LEVELS
@pytest.mark.parametrize("role", ["operators", "support", "release managers"])
def test_only_an_administrator_may(owner: Machine, role: str, level: str) -> None:
    row, client = getattr(owner, level), member(role)
    assert "Erase …" not in text_of(client.get(address(row)))
    with nothing_changes():
        assert client.get(address(row, "erase")).status_code == 403
        assert erase(client, row).status_code == 403


@LEVELS
def test_its_name_its_id_and_a_reason_are_asked_for(
    administrator: Client, owner: Machine, level: str
) -> None:
    row = getattr(owner, level)
    assert "Erase …" in text_of(administrator.get(address(row)))
    with nothing_changes():
        wrong = erase(administrator, row, name=row.name.upper())
        silent = erase(administrator, row, reason=" ")
        for digits in ("", str(row.id)[:7], f"{uuid.uuid4()}"[:8], f"{row.id}0"):
            guessed = erase(administrator, row, id_digits=digits)
            assert list(guessed.context["form"].errors) == ["id_digits"]
    assert "That is not its name." in text_of(wrong)
    assert "This field is required." in text_of(silent)


@LEVELS
def test_of_two_of_one_name_the_page_tells_which(
    administrator: Client, owner: Machine, outsider: Machine, movespec: MoveSpec, level: str
) -> None:
    scene, now = Scene(owner, movespec), clock.now()
    row, namesake = getattr(owner, level), getattr(outsider, level)
    type(row).objects.filter(pk=namesake.pk).update(name=row.name)
    namesake.refresh_from_db()
    scene.created((now - timedelta(hours=3) - at(0)).total_seconds())
    scene.streaming((now - timedelta(minutes=5) - at(0)).total_seconds())
    streaming, _ = scene.streaming((now - at(0)).total_seconds())
    DetectionSession.objects.exclude(id=streaming).update(lease_until=None, attachment_id=None)

    facts = dict(administrator.get(address(row, "erase")).context["facts"])
    others = dict(administrator.get(address(namesake, "erase")).context["facts"])

    assert facts["Id"] == row.pk
    assert "just now" in facts.pop("Last session")
    assert (facts["Sessions"], facts["Live streams"]) == (3, 1)
    assert (others["Id"], others["Sessions"], others["Last session"], others["Live streams"]) == (
        namesake.pk, 0, "none", 0,
    )  # fmt: skip
    with nothing_changes():
        wrong = erase(administrator, namesake, id_digits=str(row.id)[:8])
    assert "That is not its id." in text_of(wrong)
    whole = erase(administrator, row, id_digits=f" {row.id} ".upper())
    assert whole.redirect_chain == [(address(Erasure.objects.get()), 302)]


@LEVELS
def test_what_is_being_erased_is_not_resumed_and_not_erased_twice(
    administrator: Client, owner: Machine, level: str
) -> None:
    row = getattr(owner, level)
    erase(administrator, row)
    page = text_of(administrator.get(address(row)))
    assert "how far it is" in page
    assert "Resume …" not in page
    for action in ("resume", "erase"):
        with nothing_changes():
            body = {"reason": "No", "name": row.name, "id_digits": str(row.id)}
            assert administrator.post(address(row, action), body).status_code == 409
    # A project of an organization that is being erased is so too.
    assert administrator.get(address(owner.project, "erase")).context["is_possible"] is False


@LEVELS
def test_the_catalogue_is_not_erased(administrator: Client, catalogue: None, level: str) -> None:
    project = Project.objects.get(id=CATALOGUE_PROJECT)
    row = project if level == "project" else project.organization
    with nothing_changes():
        assert erase(administrator, row).status_code == 409


def test_a_version_is_deleted_with_an_erased_project_alone(
    owner: Machine, outsider: Machine, movespec: MoveSpec
) -> None:
    owner_erase(outsider.project, now=clock.now())
    for rows in (MoveSpecVersion.objects.all(), Release.objects.all()):
        with pytest.raises(IntegrityError, match="is immutable"), transaction.atomic():
            rows._raw_delete(rows.db)


def test_it_goes_on_where_a_worker_died(full: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each batch in turn: what the next finds is whole batches."""
    owner_erase(full.project, now=clock.now())
    later = clock.now() + timedelta(minutes=2)
    real, runs = erasures.owner_go_on, 0

    def dies(erasure: Erasure, *, now: Any) -> Any:
        nonlocal runs
        runs += 1
        batch = real(erasure, now=now)
        if runs % 2:
            raise KeyboardInterrupt
        return batch

    monkeypatch.setattr("erasure.tasks.owner_go_on", dies)
    for _ in range(60):
        try:
            erasures_go_on(now=later)
        except KeyboardInterrupt:
            continue
        if Erasure.objects.get().ended_at:
            break
    assert not Project.objects.filter(id=full.project.id).exists()
    assert Erasure.objects.get().sessions == 2
