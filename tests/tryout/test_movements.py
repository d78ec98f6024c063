"""What the page knows of each movement, held to the MoveSpecs and to the engine"""

import gzip
import json
from pathlib import Path

import pytest
from django.test import Client

from detection import LANDMARK_NAMES, Engine
from detection import compile as compile_movespec
from movespecs.catalogue import catalogue_slugs, catalogue_text
from poses.figure import MOVEMENTS
from poses.recordings import load
from tryout.movements import movements

SLUGS = [movement["slug"] for movement in movements()]


def of(slug):
    [found] = [movement for movement in movements() if movement["slug"] == slug]
    return found


def labels(slug):
    return [angle["label"] for angle in of(slug)["angles"]]


def band(phase, low, high):
    return {"phase": phase, "min": low, "max": high}


def test_every_movement_of_the_catalogue_is_there():
    assert catalogue_slugs() == SLUGS


def test_a_movement_is_what_its_movespec_says():
    squat = of("squat")
    angles = squat["angles"]
    assert {name: value for name, value in squat.items() if name != "angles"} == {
        "slug": "squat",
        "name": "Squat",
        "summary": "Counts squats and tells when a squat was deep.",
        "event_key": "squat",
        "place": {
            "turned": 20,
            "text": "Stand side-on to the camera, two to three metres away, with your whole body "
            "in the picture.",
        },
        "figure": "/try/figures/squat.json.gz",
        "phases": ["standing", "bottom"],
    }
    assert angles[0] == {
        "label": "knee",
        "kind": "joint",
        "landmarks": [[23, 25, 27], [24, 26, 28]],
        "bands": [band("standing", 150, 180), band("bottom", 0, 110)],
    }
    assert angles[1]["label"] == "hip"
    assert angles[3] == {
        "label": "lean of the thigh",
        "kind": "lean",
        "landmarks": [[25, 23], [26, 24]],
        "bands": [band("standing", 0, 20)],
    }


@pytest.mark.parametrize("slug", SLUGS)
def test_each_criterion_is_a_band_of_one_angle(slug):
    spec = compile_movespec(catalogue_text(slug))
    written = [
        (phase.name, criterion.angle_min, criterion.angle_max)
        for phase in spec.phases
        for criterion in phase.criteria
    ]
    shown = [
        (one["phase"], one["min"], one["max"])
        for angle in of(slug)["angles"]
        for one in angle["bands"]
    ]
    assert sorted(shown) == sorted(written)
    assert of(slug)["event_key"] == spec.movement_name
    assert of(slug)["phases"] == [phase.name for phase in spec.phases]


@pytest.mark.parametrize(
    ("slug", "first"),
    [
        ("bench-press", "elbow"),
        ("biceps-curl", "elbow"),
        ("front-raise", "shoulder"),
        ("jumping-jack", "shoulder"),
        ("lateral-raise", "shoulder"),
        ("lunge", "knee"),
        ("pull-up", "elbow"),
        ("push-up", "elbow"),
        ("sit-up", "hip"),
        ("squat", "knee"),
    ],
)
def test_the_first_angle_carries_the_movement(slug, first):
    angle = of(slug)["angles"][0]
    assert angle["label"] == first
    # Both ends of the movement are bands of it, and no angle is in both.
    one, other = sorted(angle["bands"], key=lambda band: band["min"])
    assert one["max"] < other["min"]
    assert {one["phase"], other["phase"]} == set(of(slug)["phases"])


def test_the_front_and_the_back_are_angles_of_their_own():
    assert labels("lunge") == [
        "knee",
        "lean of the thigh",
        "lean of the trunk",
        "lean of the upper arm",
        "front hip",
        "back hip",
    ]
    front = of("lunge")["angles"][4]
    assert front["bands"] == [band("lowered", 0, 120)]
    assert front["landmarks"] == [[11, 23, 25], [12, 24, 26]]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_landmarks_of_an_angle_are_of_the_left_and_then_of_the_right(slug):
    for angle in of(slug)["angles"]:
        left, right = ([LANDMARK_NAMES[index] for index in side] for side in angle["landmarks"])
        assert len(left) == (3 if angle["kind"] == "joint" else 2)
        assert [name.replace("left_", "right_") for name in left] == right


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("jumping-jack", "Stand facing the camera, "),
        ("pull-up", "Hang from the bar facing the camera, "),
        ("push-up", "Get down on the floor side-on to the camera, "),
        ("sit-up", "Lie down side-on to the camera, "),
        ("bench-press", "Lie on the bench side-on to the camera, "),
        ("biceps-curl", "Stand side-on to the camera, "),
    ],
)
def test_it_says_where_to_be(slug, text):
    place = of(slug)["place"]
    assert place["text"].startswith(text)
    assert place["turned"] == MOVEMENTS[slug].turned


@pytest.mark.parametrize("slug", SLUGS)
def test_the_figure_does_six_repetitions_that_its_movespec_counts(slug: str, tmp_path: Path):
    answer = Client().get(of(slug)["figure"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    path = tmp_path / f"{slug}.json.gz"
    path.write_bytes(answer.content)
    recording = load(path)
    assert (recording.exercise, recording.count, recording.fps) == (slug, 6, 30)
    engine = Engine(compile_movespec(catalogue_text(slug)))
    events = [event for frame in recording.pose_frames() for event in engine.feed(frame)]
    assert [event.type for event in events].count("event_completed") == 6


def test_the_figure_is_measured_in_millimetres():
    answer = Client().get("/try/figures/squat.json.gz")
    assert len(answer.content) < 150_000
    for frame in json.loads(gzip.decompress(answer.content))["frames"]:
        for number in (number for landmark in frame for number in landmark):
            assert number == round(number, 3)


@pytest.mark.parametrize("name", ["sit-to-stand", "no-such", "..", "squat%2f..%2fsquat"])
def test_there_is_no_other_figure(name):
    assert Client().get(f"/try/figures/{name}.json.gz").status_code == 404
