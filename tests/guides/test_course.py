"""The course of the language: what its pages say is counted is what the engine counts."""

import json
import math
import re
from pathlib import Path

import pytest

from detection import EngineSettings, validate
from dev.tools.course import (
    FOLDER,
    OTHERWISE,
    pages,
    runs,
    specs,
    written_anew,
)
from dev.tools.movespec_reference import PAGE, reference


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_a_page_is_what_is_counted_today(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == written_anew(page), "`make course` rewrites it"
    for source in specs(page):
        validation = validate(source)
        assert (validation.errors, validation.warnings) == ((), ())
    assert {run.source for run in runs(page)} == set(specs(page))


def test_the_checks_of_an_attempt_are_as_the_page_says() -> None:
    page = FOLDER / "checks.md"
    (told,) = re.findall(r"^```json\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    [run] = runs(page)
    attempts = [one for one in run.counted()[0] if one.type == "event_interrupted"]
    assert attempts[0].payload["metrics"]["checks"] == json.loads(told)


def test_the_reference_is_what_the_schema_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "`make reference` rewrites it"


def test_the_frames_that_a_repetition_needs_are_those_of_the_formula() -> None:
    text = OTHERWISE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) s \| (\d+) \|$", text, re.M)
    assert len(rows) == 7
    for seconds, fps in rows:
        assert math.ceil(EngineSettings().lowest_fps(1000 * float(seconds))) == int(fps)
