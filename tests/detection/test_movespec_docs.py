"""The reference and the examples, held against the language itself."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from detection import (
    ISSUE_CODES,
    JOINT_LANDMARKS,
    ROLE_NAMES,
    SEGMENT_LANDMARKS,
    VIEWS,
    MoveSpec,
    placed_roles,
    validate,
)
from detection.language.declaration import MOVESPEC
from detection.language.grammar import Entries, Items, Kind, Record, kinds_in
from detection.language.issues import WARNING_CODES
from detection.spec import LACKS, REASONS, SIDES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples" / "movespecs").glob("*.yaml"))


def section(title: str, page: str = "movespec") -> str:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def keys_of(kind: Kind, path: str = "") -> list[str]:
    """The keys within a kind, each once: `[]` stands for an item, `*` for a key of the author's."""
    inner: list[tuple[str, Kind]] = []
    match kind:
        case Record():
            inner = [(f"{path}.{one.key}" if path else one.key, one.kind) for one in kind.fields]
        case Items():
            inner = [(f"{path}[]", kind.item)]
        case Entries():
            inner = [(f"{path}.*", kind.value)]
        case _:
            inner = [(path, one) for one in kinds_in(kind)]
    is_named = isinstance(kind, Record)
    return list(
        dict.fromkeys(
            key
            for inner_path, one in inner
            for key in [*([inner_path] if is_named else []), *keys_of(one, inner_path)]
        )
    )


def test_the_reference_lists_every_issue_code_with_its_meaning() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (error|warning) \| (.+) \|$", section("Issues", "movespec/issues"), re.M
    )
    assert {code: meaning for code, _, meaning in rows} == ISSUE_CODES
    assert {code for code, severity, _ in rows if severity == "warning"} == set(WARNING_CODES)
    assert len(rows) == len(ISSUE_CODES)


def test_the_reference_lists_every_key_wherever_it_may_stand() -> None:
    found = set()
    text = (ROOT / "docs" / "movespec" / "reference.md").read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        heading, _, rest = part.partition("| key |")
        places = re.findall(r"`([^`]+)`", heading) or [""]
        cells = re.findall(r"^\| (`.+?) \|", rest, re.M)
        keys = [key for cell in cells for key in re.findall(r"`(\w+)`", cell)]
        found |= {f"{place}.{key}".removeprefix(".") for place in places for key in keys}
    assert found == set(keys_of(MOVESPEC))


def test_the_reference_lists_every_joint_with_its_landmarks() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+), (\w+), (\w+) \|",
        section("Joints", "movespec/joints-and-leans"),
        re.M,
    )
    assert {joint: tuple(landmarks) for joint, *landmarks in rows} == JOINT_LANDMARKS


def test_the_reference_lists_every_lean_with_its_ends() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (\w+) \|", section("Lean", "movespec/joints-and-leans"), re.M
    )
    assert {segment: tuple(ends) for segment, *ends in rows} == SEGMENT_LANDMARKS


def test_the_reference_lists_every_side() -> None:
    text = (ROOT / "docs" / "movespec" / "sides.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", text.split("\n## ")[0], re.M)
    assert tuple(re.findall(r"`(\w+)`", " ".join(rows))) == SIDES


def test_the_example_of_the_reference_has_no_issues() -> None:
    (source,) = re.findall(r"```yaml\n(.+?)```", section("A complete example"), re.S)
    validation = validate(source)
    assert (validation.errors, validation.warnings) == ((), ())


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
    assert dict(rows) == ROLE_NAMES
    assert len(rows) == len(ROLE_NAMES)


def test_the_reference_names_every_view() -> None:
    text = section("From which view", "movespec/where-to-film")
    (listed,) = re.findall(r"^`view` says .*?: (.+?)\.", text, re.M | re.S)
    assert re.findall(r"`(\w+)`", listed) == list(VIEWS)


def test_the_example_of_a_role_is_one_of_the_squat_s() -> None:
    (source,) = re.findall(r"```yaml\n(.+?)```", section("A complete example"), re.S)
    (example,) = re.findall(r"```json\n(.+?)```", section("Roles"), re.S)
    told = [{**asdict(role), **mark._asdict()} for role, mark in placed_roles(validate(source))]
    assert json.loads(example) in told


def test_the_examples_are_those_that_are_released() -> None:
    assert [path.stem for path in EXAMPLES] == [
        "alternating-lunges",
        "bench-press",
        "biceps-curl",
        "dead-hang",
        "front-raise",
        "jumping-jack",
        "lateral-raise",
        "lunge",
        "plank",
        "pull-up",
        "push-up",
        "rope-pushdown",
        "side-plank",
        "sit-to-stand-30-s",
        "sit-to-stand",
        "sit-up",
        "squat",
        "tree-pose",
        "wall-sit",
    ]


def spec_of(path: Path) -> MoveSpec:
    validation = validate(path.read_text(encoding="utf-8"))
    assert validation.errors == ()
    assert validation.spec is not None
    return validation.spec


@pytest.mark.parametrize(
    "path",
    [path for path in EXAMPLES if spec_of(path).type == "repetition"],
    ids=lambda path: path.stem,
)
def test_an_example_of_repetitions_has_a_gap_of_20_degrees(path: Path) -> None:
    one, other = spec_of(path).phases
    gaps = [
        max(a.minimum - b.maximum, b.minimum - a.maximum)
        for a in one.criteria
        for b in other.criteria
        if a.measure == b.measure
    ]
    assert max(gaps) >= 20


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
