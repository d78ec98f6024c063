"""The engine's reference, held against the code."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import detection
from detection import EngineSettings
from dev.poses.figure import perform

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
TABLE = REFERENCE.split("\n## Settings\n")[1].split("\n## ")[0]
SUBJECTS: list[Any] = [
    getattr(EngineSettings(), subject.name) for subject in fields(EngineSettings)
]
ROWS = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (.+) \|$", TABLE, re.M)


def test_the_reference_lists_every_setting_in_order_with_its_value() -> None:
    assert [(name, float(value)) for name, value, _ in ROWS] == [
        (field.name, getattr(subject, field.name))
        for subject in SUBJECTS
        for field in fields(subject)
    ]


def test_the_program_of_the_reference_runs() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", REFERENCE, re.M | re.S)
    squat = Path(__file__).resolve().parents[2] / "examples" / "movespecs" / "squat.yaml"
    [frame] = perform("squat", repetitions=1, fps=30)[:1]
    scope: dict[str, Any] = {"yaml_source": squat.read_text(), "frame": frame}
    exec(program, scope)  # noqa: S102 - it is our own page
    assert isinstance(scope["engine"], detection.Engine)
    assert scope["angles"]["knee", "right"] > 150
    assert scope["events"] == []
