import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from movespec_documents import DOCUMENT, core_values, edit

from detection import json_schema, validate

SCHEMA = Draft202012Validator(json_schema())

# Issues of one key or one mapping, which the schema refuses too. The others are of YAML itself or
# between places.
STRUCTURAL_CODES = {
    "unknown_key",
    "missing_key",
    "wrong_type",
    "too_few_items",
    "too_many_items",
    "invalid_name",
    "reserved_name",
    "invalid_value",
    "invalid_length",
    "invalid_text",
    "number_out_of_range",
    "missing_bound",
    "missing_joint",
    "joint_and_lean",
    "side_not_allowed",
    "criterion_not_allowed",
}

NAMES = st.sampled_from(
    ["up", "down", "low", "completed", "interrupted", "x" * 65, "a.b", "", " up", " "]
)
TEXTS = st.sampled_from(["", "a", "two\nlines", "\x07", "x" * 64, "x" * 65, "x" * 201, "x" * 1001])
ANGLES = st.sampled_from([0, 60, 90.5, 180, -1, 181, "90", None])
JOINTS = st.sampled_from(["knee", "hip", "toe", "Knee"])
SIDES = st.sampled_from(["left", "both", "front", "upper"])
LEANS = st.sampled_from(["trunk", "shank", "knee"])
FLAGS = st.sampled_from([True, False, "true", 1, None])
ANYTHING = st.sampled_from([None, True, 5, "text", [], ["a"], {}, {"a": 1}])


def mapping(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


ANGLE_KEYS = {"side": SIDES, "angle_min": ANGLES, "angle_max": ANGLES}
CRITERIA = mapping({}, {"joint": JOINTS, "lean": LEANS, **ANGLE_KEYS})
CUES = mapping(
    {},
    {
        "when": NAMES,
        "message": TEXTS,
        "joint": JOINTS,
        "lean": LEANS,
        "level": st.sampled_from(["info", "success", "loud"]),
        **ANGLE_KEYS,
    },
)
PARTS = {
    ("name",): NAMES,
    ("version",): TEXTS,
    ("description",): TEXTS,
    ("detection",): ANYTHING,
    ("detection", "type"): st.sampled_from(["repetition", "pose"]),
    ("detection", "movement", "name"): NAMES,
    ("detection", "movement", "phases"): ANYTHING,
    ("detection", "movement", "phases", 0): ANYTHING,
    ("detection", "movement", "phases", 0, "name"): NAMES,
    ("detection", "movement", "phases", 0, "description"): TEXTS,
    ("detection", "movement", "phases", 0, "strict"): FLAGS,
    ("detection", "movement", "phases", 0, "criteria"): st.lists(CRITERIA, max_size=9),
    ("detection", "movement", "phases", 1, "criteria", 0): CRITERIA,
    ("detection", "movement", "sequence"): st.lists(NAMES, max_size=33),
    ("detection", "movement", "feedback"): st.lists(CUES, max_size=3),
    ("detection", "movement", "feedback", 0): CUES,
    ("detection", "movement", "extra"): ANYTHING,
    ("detection", "movement", "phases", 1, "criteria", 0, "angel_min"): ANYTHING,
}


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A valid document with a few parts replaced or taken away."""
    document = core_values(DOCUMENT)
    paths = draw(st.lists(st.sampled_from(sorted(PARTS, key=str)), max_size=3, unique=True))
    for *parents, last in sorted(paths, key=len, reverse=True):
        place = document
        for step in parents:
            place = place[step]
        if isinstance(last, str) and draw(st.integers(0, 3)) == 0:
            place.pop(last, None)
        else:
            place[last] = draw(PARTS[*parents, last])
    return document


@given(documents())
def test_it_refuses_exactly_the_documents_with_structural_errors(document: Any) -> None:
    # JSON is YAML: its strings are quoted, so that no plain scalar stands for a string.
    source = json.dumps(document)
    codes = {error.code for error in validate(source).errors}
    plain_for_text = _has_other_scalar_for_text(document)
    if not plain_for_text:
        assert SCHEMA.is_valid(core_values(source)) is not bool(codes & STRUCTURAL_CODES)
    elif not codes & STRUCTURAL_CODES:
        assert SCHEMA.is_valid(core_values(source))


def _has_other_scalar_for_text(document: Any) -> bool:
    """Whether a number, boolean or null stands where a string is wanted: the schema takes it as
    such and cannot see its text."""
    phases = document.get("detection")
    movement = phases.get("movement", {}) if isinstance(phases, dict) else {}
    steps = movement.get("phases") if isinstance(movement, dict) else None
    return isinstance(steps, list) and any(
        not isinstance(name, str)
        for step in steps
        if isinstance(step, dict)
        for name in [step.get("name", "")]
    )


SCALARS = st.one_of(
    # A dash alone begins an item of a list, or is a fault of the YAML.
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,7}", fullmatch=True),
    st.sampled_from(
        ["1.0", "0x1F", "0o7", "1e3", "-5", "true", "False", "null", "~", "on", ".inf"]
    ),
    st.integers(-999, 999).map(str),
    st.floats(allow_nan=False).map(str),
)


@given(SCALARS, SCALARS, SCALARS, SCALARS)
def test_it_takes_every_plain_scalar_that_the_validator_takes(
    name: str, version: str, phase: str, angle: str
) -> None:
    document = edit("    name: squat", f"    name: {name}")
    document = edit('"1.0"', version, document).replace("bottom", phase)
    document = edit("angle_max: 100", f"angle_max: {angle}", document)
    if not {error.code for error in validate(document).errors} & STRUCTURAL_CODES:
        assert SCHEMA.is_valid(core_values(document))


@pytest.mark.parametrize("scalar", ["1.0", "0x1F", "true", "null", ".5", "on"])
def test_a_label_may_be_any_plain_scalar(scalar: str) -> None:
    document = edit('"1.0"', scalar)
    spec = validate(document).spec
    assert spec is not None
    assert spec.version == scalar
    assert SCHEMA.is_valid(core_values(document))


def test_an_angle_may_not_be_quoted() -> None:
    document = edit("angle_max: 100", "angle_max: '100'")
    assert [error.code for error in validate(document).errors] == ["wrong_type"]
    assert not SCHEMA.is_valid(core_values(document))


def test_it_is_a_valid_schema_that_says_what_it_is() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["$id"], schema["title"]) == ("urn:kynasmith:schema:movespec", "MoveSpec")
    assert json.loads(json.dumps(schema)) == schema


def test_it_gives_each_caller_a_schema_of_its_own() -> None:
    json_schema()["properties"].clear()
    assert set(json_schema()["properties"]) == {"name", "version", "description", "detection"}


def test_every_mapping_is_closed_and_every_key_described() -> None:
    def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
        nested = list(schema.get("properties", {}).values())
        if "items" in schema:
            nested.append(schema["items"])
        found = [inner for part in nested for inner in objects(part)]
        return [schema, *found] if schema.get("type") == "object" else found

    records = objects(json_schema())
    assert [len(record["properties"]) for record in records] == [4, 2, 4, 4, 5, 8]
    for record in records:
        assert record["additionalProperties"] is False
        assert all(key["description"] for key in record["properties"].values())


def test_it_states_words_bounds_and_defaults() -> None:
    movement = json_schema()["properties"]["detection"]["properties"]["movement"]["properties"]
    criterion = movement["phases"]["items"]["properties"]["criteria"]["items"]["properties"]
    assert criterion["joint"]["enum"] == ["elbow", "shoulder", "hip", "knee", "ankle", "wrist"]
    assert criterion["lean"]["enum"] == ["trunk", "thigh", "shank", "upper_arm", "forearm"]
    assert criterion["side"]["enum"] == ["left", "right", "both", "either", "front", "back"]
    strict = movement["phases"]["items"]["properties"]["strict"]
    assert (strict["type"], strict["default"]) == ("boolean", False)
    for key, default in (("angle_min", 0), ("angle_max", 180)):
        bounds = {name: criterion[key][name] for name in ("type", "minimum", "maximum", "default")}
        assert bounds == {"type": "number", "minimum": 0, "maximum": 180, "default": default}
    assert (movement["phases"]["minItems"], movement["phases"]["maxItems"]) == (2, 16)
    assert (movement["sequence"]["minItems"], movement["sequence"]["maxItems"]) == (2, 32)
    assert movement["feedback"]["default"] == []
    assert movement["feedback"]["items"]["properties"]["level"]["default"] == "coaching"
