"""The engine's reference, held against the code."""

import importlib
import re
from pathlib import Path

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \| `detection/(\w+)\.py` \|$", REFERENCE, re.M)


def test_the_reference_gives_the_constants_as_they_are() -> None:
    for name, value, module in ROWS:
        assert getattr(importlib.import_module(f"detection.{module}"), name) == float(value), name


def test_the_reference_lists_every_constant_of_the_engine() -> None:
    constants = {
        (name, module)
        for module in ("angles", "lead", "tracking", "engine")
        for name, value in vars(importlib.import_module(f"detection.{module}")).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, float | int)
    }
    listed = {(name, module) for name, _, module in ROWS}
    imported = {
        ("DEPTH_WEIGHT", "lead"),
        ("MIN_VISIBILITY", "lead"),
        ("SMOOTHING_MS", "engine"),
        ("SNAPSHOT_FORM", "engine"),
    }
    assert listed == constants - imported


def test_every_constant_that_the_text_names_is_listed() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", REFERENCE)) - {"LANDMARK_NAMES", "RECORDINGS_DIR"}
    assert named == {name for name, _, _ in ROWS}
