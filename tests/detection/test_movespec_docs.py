"""The reference and the examples, held against the language itself."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from detection import ISSUE_CODES, MoveSpec, RoleName, placed_roles, validate
from detection.language.issues import WARNING_CODES
from detection.spec import LACKS, REASONS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples" / "movespecs").glob("*.yaml"))


def section(title: str, page: str = "movespec") -> str:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_reference_lists_every_issue_code_with_its_meaning() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (error|warning) \| (.+) \|$", section("Issues", "movespec/issues"), re.M
    )
    assert {code: meaning for code, _, meaning in rows} == ISSUE_CODES
    assert {code for code, severity, _ in rows if severity == "warning"} == set(WARNING_CODES)
    assert len(rows) == len(ISSUE_CODES)


def test_the_example_of_the_reference_is_the_squat_of_the_catalogue() -> None:
    (source,) = re.findall(r"```yaml\n(.+?)```", section("A complete example"), re.S)
    [squat] = [path for path in EXAMPLES if path.stem == "squat"]
    assert source == squat.read_text(encoding="utf-8")


def test_the_page_of_cues_lists_every_reason() -> None:
    text = (ROOT / "docs" / "movespec" / "cues.md").read_text(encoding="utf-8")
    assert re.findall(r"`(\w+)`", text.split("| `reason` |")[1].split("\n")[0]) == [
        *("interrupted", *REASONS, "not_ready", *LACKS)
    ]


def test_the_reference_lists_every_role_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+\.) \|$", section("Roles"), re.M)
    assert [name for name, _ in rows] == list(get_args(RoleName))


def test_the_example_of_a_role_is_one_of_the_squat_s() -> None:
    (source,) = re.findall(r"```yaml\n(.+?)```", section("A complete example"), re.S)
    (example,) = re.findall(r"```json\n(.+?)```", section("Roles"), re.S)
    told = [{**asdict(role), **mark._asdict()} for role, mark in placed_roles(validate(source))]
    assert json.loads(example) in told


def spec_of(path: Path) -> MoveSpec:
    validation = validate(path.read_text(encoding="utf-8"))
    assert validation.errors == ()
    assert validation.spec is not None
    return validation.spec


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_cue_of_an_example_has_a_key_and_is_told_in_english_and_german(path: Path) -> None:
    validation = validate(path.read_text(encoding="utf-8"))
    english, german = (validation.spec_with({}, locale).feedback for locale in ("en", "de"))
    assert english == spec_of(path).feedback
    assert len(english) >= 1
    for one, other in zip(english, german, strict=True):
        assert one.key == other.key is not None
        assert one.message != other.message


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_no_warning(path: Path) -> None:
    assert validate(path.read_text(encoding="utf-8")).warnings == ()
