"""Counters of a session's events: stored with them, true to them, and shown wherever it is"""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from engine_work import midway, whole
from lifecycle_scene import at, sweep

from sessions_app.checkpoints import NewEvent
from sessions_app.models import DetectionEvent, DetectionSession
from tests.api.api_requests import refused_fields
from tests.conftest import SESSIONS
from tests.event_counters import miscounted_sessions


def completed(sequence, key="squat"):
    return NewEvent(sequence, sequence, 40.0, "event_completed", {"event_key": key, "score": None})


def interrupted(sequence):
    return NewEvent(sequence, sequence, 40.0, "event_interrupted", {"reason": "out_of_order"})


def entered(sequence):
    return NewEvent(sequence, sequence, 40.0, "shape_enter", {"shape_key": "bottom"})


def counters(scene, session_id):
    row = scene.row(session_id)
    assert miscounted_sessions() == []
    return row.repetitions, row.interrupted_total


@pytest.fixture
def reader(owner, monkeypatch):
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(10))
    owner.token = owner.token_with("sessions:read", "sessions:write")
    return owner


def test_each_checkpoint_adds_what_its_events_are(scene):
    session_id, holder = scene.streaming()
    assert counters(scene, session_id) == ({}, 0)
    scene.checkpoint(session_id, holder, 1, 1, events=[entered(1)])
    assert counters(scene, session_id) == ({}, 0)
    scene.checkpoint(session_id, holder, 2, 1, events=[completed(2), interrupted(3), completed(4)])
    assert counters(scene, session_id) == ({"squat": 2}, 1)
    scene.checkpoint(session_id, holder, 3, 1, events=[])
    odd = 'lunge "deep" é'
    scene.checkpoint(session_id, holder, 4, 1, events=[completed(5), completed(6, odd)])
    assert counters(scene, session_id) == ({"squat": 3, odd: 1}, 1)


@pytest.mark.parametrize("by", ["sweep", "runtime"])
@pytest.mark.parametrize(("work", "counted"), [(midway, ({}, 1)), (whole, ({"squat": 1}, 0))])
def test_the_finish_counts_its_own_events(scene, by, work, counted):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=work())
    scene.finalize(session_id, 2)
    if by == "sweep":
        assert sweep(1_000) == 1
    else:
        scene.finish(session_id, holder, 3)
    assert scene.row(session_id).status == "completed"
    assert counters(scene, session_id) == counted


# Code from before the counters


def test_a_migration_counts_what_was_stored_before_there_were_counters(scene, monkeypatch):
    migration = import_module("sessions_app.migrations.0013_count_events")
    monkeypatch.setattr(migration, "BATCH", 2)
    ids = []
    for work in (whole, midway, whole):
        session_id, holder = scene.streaming()
        scene.checkpoint(session_id, holder, 1, 1, work=work())
        scene.finalize(session_id, 2)
        scene.finish(session_id, holder, 3)
        ids.append(session_id)
    live, holder = scene.streaming()
    scene.checkpoint(live, holder, 1, 1, events=[completed(1), interrupted(2)])
    right, other = scene.streaming()
    scene.checkpoint(right, other, 1, 1, events=[completed(1, "lunge")])
    DetectionSession.objects.filter(id__in=[*ids, live]).update(
        repetitions={}, interrupted_total=0, counted_events_total=0
    )
    # Its events are gone. They were counted before.
    DetectionEvent.objects.filter(session_id=right).delete()
    with connection.schema_editor(atomic=False) as editor:
        migration.count_events(apps, editor)
    assert [counters(scene, id_) for id_ in [*ids, live, right]] == [
        ({"squat": 1}, 0), ({}, 1), ({"squat": 1}, 0), ({"squat": 1}, 1), ({"lunge": 1}, 0),
    ]  # fmt: skip
    # The code before goes on with it.
    scene.checkpoint(live, holder, 2, 2, events=[completed(3)])
    assert counters(scene, live) == ({"squat": 2}, 1)


# GET …/events?type=


def test_events_of_one_type_page_by_the_link(reader, scene):
    session_id, holder = scene.streaming()
    events = [completed(1), entered(2), completed(3), interrupted(4), completed(5), entered(6)]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    path = f"{SESSIONS}/{session_id}/events"
    everything = reader.get(path).json()
    following, pages = f"{path}?type=event_completed&limit=2", []
    while following:
        response = reader.get(following)
        pages.append(response.json())
        link = response.headers.get("Link", "")
        following = link.removeprefix("<http://testserver").removesuffix('>; rel="next"')
        assert not following or following.startswith(f"{path}?type=event_completed&limit=2&after=")
    assert pages == [[everything[0], everything[2]], [everything[4]]]
    # Behind an event of another type too.
    after = everything[3]["event_id"]
    assert reader.get(f"{path}?type=event_completed&after={after}").json() == [everything[4]]
    assert reader.get(f"{path}?type=event_interrupted").json() == [everything[3]]
    assert reader.get(f"{path}?type=feedback").json() == []
    assert reader.get(f"{path}?kind=feedback&Type=feedback").json() == everything


def test_another_type_is_refused_with_the_types_there_are(reader, scene):
    session_id, _ = scene.streaming()
    response = reader.get(f"{SESSIONS}/{session_id}/events?type=completed")
    assert refused_fields(response, "type") == {
        "type": "This field must be one of event_completed, event_interrupted, feedback, "
        'shape_enter, shape_exit, not "completed".'
    }


def test_a_type_that_is_rare_is_found_page_by_page(reader, scene):
    """Each page looks at a bounded number of events, and leads on until there are none."""
    session_id, holder = scene.streaming()
    events = [completed(n) if n % 1000 == 0 else entered(n) for n in range(1, 4_501)]
    scene.checkpoint(session_id, holder, 1, 1, events=events)
    path, pages = f"{SESSIONS}/{session_id}/events?type=event_completed&limit=500", []
    while path:
        response = reader.get(path)
        pages.append(len(response.json()))
        link = response.headers.get("Link", "")
        path = link[1 : link.index(">")].removeprefix("http://testserver") if link else None
    assert pages == [2, 2, 0]
    path = f"{SESSIONS}/{session_id}/events?type=event_interrupted"
    response = reader.get(path)
    assert (response.json(), "Link" in response.headers) == ([], True)
