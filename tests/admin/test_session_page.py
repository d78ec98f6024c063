"""The admin's page of a session, and the steps of its life."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dev.local_stack.environment import PROJECT
from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent, DetectionSession
from sessions_app.session_sweep import expire_sessions
from staff.display import duration, written
from staff.session_timeline import timeline
from tests.admin.session_rows import LIST, cancel_address, make_session, overdue
from tests.conftest import Machine, make_released
from tests.sessions_app.lifecycle_scene import START, Scene, at


def test_its_page_shows_the_stored_row(superuser: Client, movespec: MoveSpec) -> None:
    page = f"{LIST}{overdue(movespec, 'created')}/change/"
    assert "Waits for its client to connect." in superuser.get(page).content.decode()
    expire_sessions(now=timezone.now())
    shown = superuser.get(page).content.decode()
    assert "session_expired" in shown
    assert "Never connected, 0 frames taken." in shown


def test_its_page_leads_to_project_movespec_and_version(
    superuser: Client, movespec: MoveSpec
) -> None:
    MoveSpec.objects.update(name="<script>alert(1)</script>")
    this = make_session(
        movespec, "failed", error_message="<script>alert(2)</script>", error_code="broke"
    )
    shown = superuser.get(f"{LIST}{this}/change/").content.decode()
    for name, id_ in (
        ("projects_project", movespec.project_id),
        ("movespecs_movespec", movespec.id),
        ("movespecs_movespecversion", movespec.current_released_version_id),
    ):
        assert f'href="{reverse(f"admin:{name}_change", args=[id_])}"' in shown
    assert "<script>alert" not in shown
    # At the top, at its end, and among the columns.
    assert shown.count("&lt;script&gt;alert(2)") == 3


def test_its_page_costs_a_few_queries(superuser: Client, movespec: MoveSpec) -> None:
    this = make_session(movespec, "streaming")
    with CaptureQueriesContext(connection) as queries:
        superuser.get(f"{LIST}{this}/change/")
    # Who asks, twice; the session; its summary while it is live; its events; its attaches.
    assert len(queries) == 6


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (110.0, "110"),
        (92.5, "92.5"),
        (0.123456, "0.123"),
        (-0.5, "-0.5"),
        (1_000_000.0, "1000000"),
        (7, "7"),
        (True, "True"),
        (None, "none"),
        ("8.0", "8.0"),
        (
            {"took": 1200.0, "by": {"least": 80.0, "most": None}},
            "took 1200, by (least 80, most none)",
        ),
        ([1.0, "a"], "1, a"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: Any, words: str) -> None:
    assert written(value) == words


def test_parameters_and_events_have_no_needless_decimals(superuser: Client, owner: Machine) -> None:
    yaml_source = (PROJECT / "examples" / "movespecs" / "wall-sit.yaml").read_text()
    movespec, _ = make_released(owner.project, yaml_source)
    parameters = {"depth": 110.0, "hold_ms": 30_000.0, "gone": 2.0}
    this = make_session(movespec, parameters=parameters, events_total=1)
    DetectionEvent.objects.create(
        session_id=this, sequence=1, frame_seq=1, ts_ms=2000.0, type="event_completed",
        payload={"event_key": "wall_sit", "metrics": {"held_ms": 30_000.0, "form": 0.98765}},
    )  # fmt: skip
    page = superuser.get(f"{LIST}{this}/change/")
    assert page.context["parameters"] == [("gone", "2"), ("depth", "110°"), ("hold_ms", "30 s")]
    shown = page.content.decode()
    assert "<dt>Parameter depth</dt><dd>110°</dd>" in shown
    assert "metrics (form 0.988, held_ms 30000), event_key wall_sit" in shown


@pytest.mark.parametrize("id_", ["x", uuid.uuid4()])
def test_an_unknown_session_leads_back_with_a_word(superuser: Client, id_: Any) -> None:
    answer = superuser.get(f"{LIST}{id_}/change/", follow=True)
    assert "t exist" in answer.content.decode()
    assert superuser.get(cancel_address(str(id_)), follow=True).status_code == 200


def swept(session_id: uuid.UUID, seconds: float) -> DetectionSession:
    expire_sessions(now=at(seconds))
    return DetectionSession.objects.get(id=session_id)


def steps(session_id: uuid.UUID, seconds: float) -> list[tuple[str, float | None, str, bool]]:
    """Name, second, time since the step before, and whether it is ahead."""
    return [
        (
            step.name,
            step.at and (step.at - START).total_seconds(),
            step.after,
            step.is_ahead,
        )
        for step in timeline(swept(session_id, seconds), at(seconds))
    ]


def meaning(session_id: uuid.UUID, seconds: float, name: str) -> str:
    found = timeline(swept(session_id, seconds), at(seconds))
    (step,) = (step for step in found if step.name == name)
    return step.meaning


def test_the_timeline_of_a_created_session_ends_with_its_attach_window(scene: Scene) -> None:
    this = scene.created()
    assert steps(this, 10) == [("Created", 0, "", False), ("Deadline", 300, "5 min", True)]
    assert meaning(this, 10, "Deadline") == "Cancelled, unless its client connects before."


def test_the_timeline_of_an_expired_session(scene: Scene) -> None:
    this = scene.created()
    assert steps(this, 301) == [("Created", 0, "", False), ("Ended", 300, "5 min", False)]
    assert meaning(this, 301, "Ended") == (
        "Never connected, 0 frames taken. "
        "session_expired: No runtime attached within the attach window."
    )


def test_the_timeline_of_a_streaming_session_has_its_lease(scene: Scene) -> None:
    this = scene.created()
    scene.attach(this, 2.5)
    assert steps(this, 10) == [
        ("Created", 0, "", False),
        ("Started", 2.5, "2.5 s", False),
        ("Lease", 32.5, "30 s", True),
        ("Deadline", 142.5, "1 min 50 s", True),
    ]
    assert meaning(this, 10, "Deadline").startswith("Failed, unless")
    assert steps(this, 40)[2] == ("Lease", 32.5, "30 s", False)
    assert meaning(this, 40, "Lease") == "It ran out: no stream server holds the session now."


def test_the_timeline_of_an_abandoned_session(scene: Scene) -> None:
    this, _ = scene.streaming()
    assert steps(this, 141)[-1] == ("Ended", 140, "2 min 20 s", False)
    assert meaning(this, 141, "Ended").startswith("Client went silent, 0 frames taken.")


def test_the_timeline_of_a_long_session_says_what_its_longest_duration_does(scene: Scene) -> None:
    this, attachment = scene.streaming()
    scene.keep_alive(this, attachment, 3590)
    assert steps(this, 3595)[-2:] == [
        ("Deadline", 3600, "1 h", True),
        ("Lease", 3620, "20 s", True),
    ]
    assert meaning(this, 3595, "Deadline").startswith(
        "The longest time that it may last: completed then"
    )
    assert steps(this, 3601) == [
        ("Created", 0, "", False),
        ("Started", 0, "0 s", False),
        ("Finalizing", 3600, "1 h", False),
        ("Lease", 3620, "20 s", True),
        ("Deadline", 3650, "30 s", True),
    ]
    assert steps(this, 3651)[-1] == ("Ended", 3600, "1 h", False)


def test_the_timeline_of_a_finalizing_session_keeps_no_time_of_the_request(scene: Scene) -> None:
    this, _ = scene.finalizing()
    assert steps(this, 1) == [
        ("Created", 0, "", False),
        ("Started", 0, "0 s", False),
        ("Finalizing", None, "", False),
        ("Lease", 30, "30 s", True),
        ("Deadline", 60, "30 s", True),
    ]
    assert meaning(this, 1, "Deadline") == ("Completed, unless the stream server does it before.")


def test_the_timeline_of_a_session_whose_state_nobody_can_read_yet(scene: Scene) -> None:
    this, attachment = scene.streaming()
    scene.detach(this, attachment, 5)
    left = DetectionSession.objects.filter(id=this)
    left.update(unreadable_since=at(10), deadline_at=at(610))
    assert steps(this, 20)[-1] == ("Deadline", 610, "10 min 10 s", True)
    assert meaning(this, 20, "Deadline") == (
        "Completed on what is counted, unless a process that can read its state does before."
    )


def test_the_timeline_of_sessions_that_a_runtime_ended(scene: Scene) -> None:
    completed, attachment = scene.finalizing()
    scene.finish(completed, attachment, 7)
    failed, attachment = scene.streaming()
    scene.fail(failed, attachment, 8)
    assert steps(completed, 9)[-1] == ("Ended", 7, "7 s", False)
    assert steps(failed, 9)[-1] == ("Ended", 8, "8 s", False)
    assert meaning(failed, 9, "Ended") == ("Failed, 0 frames taken. engine_broke: It broke.")


def test_the_timeline_of_a_cancelled_session(scene: Scene) -> None:
    this = scene.created()
    scene.cancel(this, 100)
    assert steps(this, 101) == [("Created", 0, "", False), ("Ended", 100, "1 min 40 s", False)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (3.24, "3.2 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
