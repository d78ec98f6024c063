"""Five movements that are none of the catalogue's, written by the guide alone: their figures are
keyframes of a description, and are counted right."""

from pathlib import Path

import pytest

from detection import DetectionEvent, Engine, compile, validate  # noqa: A004 - as re.compile
from dev.poses.figure import Movement, read_movement

FOLDER = Path(__file__).with_name("guide_readers")
NAMES = sorted(path.stem for path in (FOLDER / "movespecs").glob("*.yaml"))


def text(folder: str, name: str) -> str:
    return (FOLDER / folder / f"{name}.yaml").read_text(encoding="utf-8")


def counted(name: str, variant: str = "") -> list[DetectionEvent]:
    movement: Movement = read_movement(text("movements", name))
    if variant:
        movement = movement.varied(movement.variants()[variant])
    engine = Engine(compile(text("movespecs", name)))
    return [event for frame in movement.film() for event in engine.feed(frame)] + engine.finish()


def completions(events: list[DetectionEvent]) -> list[DetectionEvent]:
    return [event for event in events if event.type == "event_completed"]


def sides(events: list[DetectionEvent]) -> list[str]:
    return [event.payload["side"] for event in completions(events)]


def reasons(events: list[DetectionEvent]) -> list[str]:
    return [event.payload["reason"] for event in events if event.type == "event_interrupted"]


def test_there_are_five() -> None:
    assert NAMES == ["dumbbell-row", "hip-thrust", "leg-raise", "step-up", "superman-hold"]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_has_no_issues(name: str) -> None:
    validation = validate(text("movespecs", name))
    assert (validation.errors, validation.warnings) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_it_counts_what_the_figure_does(name: str) -> None:
    events = counted(name)
    assert len(completions(events)) == read_movement(text("movements", name)).repetitions
    assert reasons(events) == []


@pytest.mark.parametrize("name", ["dumbbell-row", "step-up"])
def test_each_side_is_counted_apart(name: str) -> None:
    assert sides(counted(name)) == ["left", "right"] * 3
    assert sides(counted(name, "one-sided")) == ["left"] * 3


def test_a_row_is_filmed_from_where_the_trunk_is_seen_to_lean() -> None:
    events = counted("dumbbell-row", "wrong-view")
    assert completions(events) == []
    assert [event.payload["message"] for event in events] == ["Bend forward to begin."]


def test_hips_that_rise_a_third_of_the_way_are_told_to_go_on_and_have_no_form() -> None:
    events = counted("hip-thrust", "half-way")
    assert reasons(events) == ["not_reached"]
    assert {one.payload["metrics"]["form"] for one in completions(events)} == {0.0}


def test_legs_that_bend_are_told_so_and_count_nothing() -> None:
    events = counted("leg-raise", "bent-knees")
    assert completions(events) == []
    assert set(reasons(events)) == {"condition"}
    told = {event.payload["message"] for event in events if event.type == "feedback"}
    assert told == {"Keep your legs straight."}


def test_a_superman_lifts_the_legs_too_and_is_held_for_its_time() -> None:
    assert completions(counted("superman-hold", "chest-only")) == []
    assert completions(counted("superman-hold", "fast")) == []
    (attempt,) = [one for one in counted("superman-hold", "fast") if one.type.endswith("upted")]
    assert 12_000 < attempt.payload["by"] < 13_500
