"""The accuracy cards that the tests show, in place of those that ship."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guides.rendering import rendered
from guides.views import first_page
from movespecs import accuracy
from tryout.movements import movements

SQUAT = {
    "people": 5,
    "sets": 6,
    "views": ["front", "side"],
    "within_one": 1.0,
    "exact": 0.833,
    "f1": 0.974,
    "false_per_minute": 0.32,
    "cannot_see": "How far <b>the trunk</b> leans, from the front.",
    "measured_checks": ["depth"],
}
PUSH_UP = {
    **SQUAT,
    "people": 1,
    "views": ["side"],
    "within_one": 0.0,
    "f1": None,
    "cannot_see": None,
    "measured_checks": ["chest down"],
}
LUNGE = {**dict.fromkeys(SQUAT), "people": 0, "measured_checks": []}
CARDS: dict[str, Any] = {"squat": SQUAT, "push-up": PUSH_UP, "lunge": LUNGE}


def forget() -> None:
    """What a process has read of the file."""
    accuracy.accuracy_cards.cache_clear()
    rendered.cache_clear()
    first_page.cache_clear()
    movements.cache_clear()


@pytest.fixture
def cards_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the cards, which is not there yet."""
    file = tmp_path / "accuracy.json"
    monkeypatch.setattr(accuracy, "FILE", file)
    forget()
    yield file
    forget()


@pytest.fixture
def cards(cards_file: Path) -> None:
    """Cards of three movements of the catalogue."""
    cards_file.write_text(json.dumps(CARDS))
