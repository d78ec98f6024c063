"""POST /api/subjects/erase, and the worker that does it."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction

from erasure import erasures, tasks
from erasure.erasures import CREATED_WITHIN, TOLD_WITHIN
from erasure.models import ErasedSession, Erasure
from erasure.tasks import erasures_go_on
from kynaplatform import clock
from sessions_app import lifecycle
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes, refused_fields
from tests.concurrency.racing import race
from tests.erasure.people import ANNA, BEN, ask_to_erase, counted, created, left, streaming
from tests.server import test_database_url as database_url
from tests.sessions_app.lifecycle_scene import Scene, at

ERASE = "/api/subjects/erase"
LATE = 1000


def erase(scene: Scene, subject: str = ANNA, seconds: float = 500) -> int:
    return ask_to_erase(scene.machine.project, subject, at(seconds))


@pytest.mark.django_db
def test_it_answers_with_how_many_there_are(owner, movespec, peer):
    for subject in (ANNA, ANNA, BEN, None):
        owner.create_session(movespec, subject=subject)
    response = owner.call("POST", ERASE, {"subject": ANNA}, token=owner.token_with("data:erase"))
    assert (response.status_code, response.json()) == (202, {"sessions": 2})
    of_anna = DetectionSession.objects.filter(subject=ANNA)
    assert {*of_anna.values_list("status", "terminal_outcome")} == {("cancelled", "cancelled")}
    assert DetectionSession.objects.filter(status="created").count() == 2
    # Another project's person of the same id is another person.
    assert peer.post(ERASE, {"subject": ANNA}).json() == {"sessions": 0}
    assert erasures_go_on(now=clock.now() + TOLD_WITHIN + timedelta(seconds=5)) == 2
    assert {*DetectionSession.objects.values_list("subject", flat=True)} == {BEN, None}


@pytest.mark.django_db
def test_it_refuses_what_is_no_subject(owner):
    for body in ({}, {"subject": "a b"}):
        with nothing_changes():
            refused_fields(owner.post(ERASE, body), "subject")


@pytest.mark.django_db
def test_the_worker_erases_what_was_created_before_the_request(scene):
    of_anna = [counted(scene, ANNA), streaming(scene, ANNA, 450)[0], created(scene, ANNA, 500)]
    kept = {counted(scene, BEN), counted(scene, None), created(scene, ANNA, 500.001)}
    assert erase(scene) == 3
    erasures_go_on(now=at(501))
    # Those that were cancelled stay for a moment, in which their clients are told.
    assert left() == {*of_anna[1:], *kept}
    assert erasures_go_on(now=at(510)) == 2
    assert left() == kept
    assert {*ErasedSession.objects.values_list("id", flat=True)} == {*of_anna}
    erasure = Erasure.objects.get()
    assert (erasure.sessions, erasure.subject, erasure.ended_at) == (3, ANNA, None)
    # A create that began before may still come.
    late = created(scene, ANNA, 499)
    erasures_go_on(now=at(520))
    erasures_go_on(now=at(531))
    assert late not in left()
    erasures_go_on(now=at(559))
    assert Erasure.objects.get().ended_at is None
    erasures_go_on(now=at(560))
    erasure.refresh_from_db()
    assert (erasure.sessions, erasure.subject, erasure.ended_at) == (4, None, at(560))
    assert left() == kept
    with nothing_changes():
        assert erasures_go_on(now=at(600)) == 0


@pytest.mark.django_db
def test_a_repeat_is_the_same_erasure_up_to_its_own_time(scene, peer, monkeypatch):
    monkeypatch.setattr(lifecycle, "MAX_SESSIONS", 1)
    ids = [counted(scene, ANNA, number) for number in range(3)]
    assert [erase(scene, seconds=seconds) for seconds in (500, 500, 510)] == [3, 3, 3]
    erase(scene, BEN)
    ask_to_erase(peer.project, ANNA, at(500))
    of_anna = Erasure.objects.filter(subject=ANNA, project_id=scene.machine.project.id)
    assert of_anna.get().requested_at == at(510)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "LASTS_SECONDS", 0)
        assert erasures_go_on(now=at(520)) == 0
    tasks._batch(of_anna.get().id, at(520))
    between, later = counted(scene, ANNA, 515), counted(scene, ANNA, 530)
    # One that was asked for before, by a clock that is late, shortens nothing.
    assert [erase(scene, seconds=seconds) for seconds in (520, 505)] == [3, 3]
    assert of_anna.get().requested_at == at(520)
    assert erasures_go_on(now=at(LATE)) == 3
    assert left() == {later}
    erasure = Erasure.objects.get(kind="subject", sessions__gt=0)
    assert (erasure.sessions, erasure.subject, erasure.ended_at) == (4, None, at(LATE))
    # What has ended stands as it is.
    assert erase(scene, seconds=LATE) == 1
    assert Erasure.objects.filter(project_id=scene.machine.project.id).count() == 3
    assert {*ErasedSession.objects.values_list("id", flat=True)} == {*ids, between}


@pytest.mark.django_db
def test_it_goes_on_where_a_batch_failed(scene, monkeypatch):
    monkeypatch.setattr(lifecycle, "MAX_SESSIONS", 2)
    ids = [counted(scene, ANNA, number) for number in range(5)]
    erase(scene)
    tried = []

    def dies_in_the_third(ids, *, now):
        tried.append(ids)
        erased = lifecycle.sessions_erase(ids, now=now)
        if len(tried) == 3:
            raise RuntimeError("the worker was killed")
        return erased

    monkeypatch.setattr(erasures, "sessions_erase", dies_in_the_third)
    with pytest.raises(RuntimeError):
        erasures_go_on(now=at(LATE))
    assert left() == {ids[4]}
    assert Erasure.objects.get().sessions == ErasedSession.objects.count() == 4
    assert erasures_go_on(now=at(LATE)) == 1
    assert (left(), Erasure.objects.get().sessions) == (set(), 5)
    assert [len(batch) for batch in tried] == [2, 2, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_one_whose_row_is_held_keeps_nobody_from_the_others(scene, caplog):
    held, free = counted(scene, ANNA), counted(scene, BEN)
    for subject in (ANNA, BEN):
        erase(scene, subject)
    with psycopg.connect(database_url()) as holder:
        holder.execute("SELECT FROM detection_session WHERE id = %s FOR UPDATE", [held])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        try:
            assert erasures_go_on(now=at(LATE)) == 1
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
    assert (left(), free in left()) == ({held}, False)
    assert {*ErasedSession.objects.values_list("id", flat=True)} == {free}
    of_held = Erasure.objects.get(sessions=0)
    assert f"erasure {of_held.id} goes on later" in caplog.text
    assert erasures_go_on(now=at(LATE)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_two_requests_at_once_are_one_erasure(scene, monkeypatch):
    monkeypatch.setattr(lifecycle, "MAX_SESSIONS", 2)
    for number in range(8):
        counted(scene, ANNA, number)
    kept = counted(scene, BEN)
    assert race([lambda: erase(scene), lambda: erase(scene)]) == [8, 8]
    assert Erasure.objects.count() == 1
    work = [lambda: erasures_go_on(now=at(LATE))] * 3
    assert sum(race(work)) == 8
    erasures_go_on(now=at(LATE))
    assert left() == {kept}
    rows = Erasure.objects.all()
    assert sum(one.sessions for one in rows) == ErasedSession.objects.count() == 8
    assert {(one.subject, one.ended_at) for one in rows} == {(None, at(LATE))}


@pytest.mark.django_db(transaction=True)
def test_it_takes_a_create_that_had_not_committed(scene):
    with transaction.atomic():
        late = created(scene, ANNA, 499)

        def meanwhile() -> int:
            sessions = erase(scene)
            erasures_go_on(now=at(501))
            return sessions

        assert race([meanwhile]) == [0]
    assert left() == {late}
    erasures_go_on(now=at(500) + CREATED_WITHIN)
    assert erasures_go_on(now=at(500) + CREATED_WITHIN + TOLD_WITHIN) == 1
    assert (left(), Erasure.objects.get().subject) == (set(), None)
