"""States that released code has stored are read by today's, and go on to the same events."""

import pytest
from golden_states import FOLDER, description, folder_of, load

import detection
from detection import Engine

# Those of the newest two forms. Forms 1 and 2 were of an engine that judged by fixed bands: none of
# their states tells what today's has to know.
STATES = sorted(FOLDER.glob("*/*.json.gz"))


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"{path.parent.name} {path.name[:-8]}")
def test_the_engine_goes_on_from_a_stored_state_to_the_same_events(path) -> None:
    golden = load(path)
    spec = detection.compile(golden.movespec)
    assert golden.engine["repetition"]["step"] == len(spec.sequence) - 2
    engine = Engine.restore(spec, golden.engine)
    events = [event for frame in golden.frames for event in engine.feed(frame)] + engine.finish()
    assert events == golden.events
    assert [event.type for event in events].count("event_completed") == 2


def test_what_is_stored_changes_only_with_the_number_of_its_form() -> None:
    """Where it fails: raise SNAPSHOT_FORM, read the last form, and write the new golden states."""
    stored = folder_of(detection.SNAPSHOT_FORM) / "stored.txt"
    assert stored.exists(), "python -m tests.detection.golden_states"
    assert stored.read_text() == description()


def test_there_are_states_of_todays_form() -> None:
    assert {path.parent for path in STATES} >= {folder_of(detection.SNAPSHOT_FORM)}
