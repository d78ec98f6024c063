"""What the page knows of each movement, held to the MoveSpecs and to the engine"""

from pathlib import Path

import pytest
from django.test import Client

from detection import Engine
from detection import compile as compile_movespec
from dev.poses.figure import MOVEMENTS
from dev.poses.recordings import load
from movespecs.catalogue import catalogue_text
from tests.long_runs import at_length
from tryout.movements import movements

SLUGS = [movement["slug"] for movement in movements()]


def of(slug):
    [found] = [movement for movement in movements() if movement["slug"] == slug]
    return found


def band(phase, low, high):
    return {"phase": phase, "min": low, "max": high}


@pytest.mark.parametrize("slug", SLUGS)
def test_each_criterion_of_the_angle_is_a_band(slug):
    spec = compile_movespec(catalogue_text(slug))
    written = [
        (phase.name, criterion.minimum, criterion.maximum)
        for phase in spec.phases
        for criterion in phase.criteria
        if criterion.measure == of(slug)["angle"]["label"]
    ]
    shown = [(one["phase"], one["min"], one["max"]) for one in of(slug)["angle"]["bands"]]
    assert shown == written
    assert of(slug)["event_key"] == spec.movement_name
    assert of(slug)["phases"] == [phase.name for phase in spec.phases]


@at_length("slug", *SLUGS)
def test_the_figure_does_repetitions_that_its_movespec_counts(slug: str, tmp_path: Path):
    answer = Client().get(of(slug)["figure"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    path = tmp_path / f"{slug}.json.gz"
    path.write_bytes(answer.content)
    recording = load(path)
    done = MOVEMENTS[slug].repetitions
    assert (recording.exercise, recording.count, recording.fps) == (slug, done, 30)
    engine = Engine(compile_movespec(catalogue_text(slug)))
    events = [event for frame in recording.pose_frames() for event in engine.feed(frame)]
    assert [event.type for event in events].count("event_completed") == done


def test_a_page_of_any_origin_may_read_the_figure_and_no_other_page_of_ours():
    origin = {"Origin": "http://localhost:5173"}
    answer = Client().get("/try/figures/squat.json.gz", headers=origin)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    answer = Client().get("/try", headers=origin)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_movement_says_that_it_is_experimental(cards: None) -> None:
    told = {movement["slug"]: movement["experimental"] for movement in movements()}
    assert told["squat"] == ""
    counted = "only 0% of recordings of people are counted within one"
    assert told["push-up"] == f"Experimental: {counted}."
    assert told["lunge"] == told["plank"] == "Experimental: it has not been tried on people."
