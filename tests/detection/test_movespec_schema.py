import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from movespec_documents import DOCUMENT, HOLD, RICH, core_values, edit, spec_of

from detection import json_schema, validate

SCHEMA = Draft202012Validator(json_schema())

# Issues of one key or one mapping, which the schema refuses too. The others are of YAML itself or
# between places.
STRUCTURAL_CODES = {
    "unknown_key",
    "misplaced_key",
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
    "bounds_twice",
    "missing_joint",
    "joint_and_lean",
    "missing_extreme",
    "least_and_most",
    "side_not_allowed",
    "criterion_not_allowed",
    "reason_not_allowed",
    "form_not_allowed",
    "detail_not_allowed",
}

NAMES = st.sampled_from(
    [
        "up",
        "down",
        "completed",
        "interrupted",
        "not_ready",
        "x" * 65,
        "a.b",
        "tempo.out",
        "",
        " up",
        " ",
    ]
)
TEXTS = st.sampled_from(["", "a", "two\nlines", "\x07", "x" * 64, "x" * 65, "x" * 201, "x" * 1001])
ANGLES = st.sampled_from([0, 60, 90.5, 180, -1, 181, "90", None, "$depth", "$Depth", "$"])
TIMES = st.sampled_from([0, 50, 300, 5000, 60_001, 600_001, "$pause", "$x y", "1 s", None])
JOINTS = st.sampled_from(["knee", "hip", "toe", "Knee"])
SIDES = st.sampled_from(["left", "both", "front", "upper"])
LEANS = st.sampled_from(["trunk", "shank", "knee"])
FLAGS = st.sampled_from([True, False, "true", 1, None])
ANYTHING = st.sampled_from([None, True, 5, "text", [], ["a"], {}, {"a": 1}])


def mapping(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


BOUNDS = {"min": ANGLES, "max": ANGLES}
ANGLE_KEYS = {"side": SIDES, "angle_min": ANGLES, "angle_max": ANGLES, **BOUNDS}
MEASURES = {"joint": JOINTS, "lean": LEANS}
CRITERIA = mapping({}, {**MEASURES, **ANGLE_KEYS, "tolerance": st.sampled_from([0, 45, 46])})
CONDITIONS = mapping({}, {**MEASURES, **ANGLE_KEYS, "grace_ms": TIMES})
EXTREMES = {key: mapping({}, BOUNDS) for key in ("least", "most")}
CHECKS = mapping(
    {"name": NAMES}, {**MEASURES, "side": SIDES, **EXTREMES, "when": NAMES, "required": FLAGS}
)
STEPS = NAMES | mapping({}, {"phase": NAMES, "hold_ms": TIMES, "optional": FLAGS})
TAGS = st.sampled_from(["en", "de-AT", "en_US", "x", "EN", "a" * 9])
MESSAGES = TEXTS | st.dictionaries(TAGS, TEXTS, max_size=3) | st.just([])
WHENS = NAMES | mapping({}, {"check": NAMES, "met": FLAGS})
CUES = mapping(
    {},
    {
        "when": WHENS,
        "message": MESSAGES,
        "level": st.sampled_from(["info", "success", "loud"]),
        "reason": st.sampled_from(["view", "too_slow", "not_ready", "late"]),
        "form": mapping({}, {key: st.sampled_from([0, 0.5, 1, 1.1]) for key in BOUNDS}) | ANYTHING,
        "key": NAMES,
        "every": st.sampled_from([1, 2.5, 3.0, 100, 101, "$depth"]),
        "min_gap_ms": TIMES,
        **MEASURES,
        **ANGLE_KEYS,
        **EXTREMES,
    },
)
TIMED = mapping({}, {"min": TIMES, "max": TIMES, "required": FLAGS}) | ANYTHING
TEMPOS = mapping({}, {"out": TIMED, "stay": TIMED, "back": TIMED, "down": TIMED}) | ANYTHING
PARAMETERS = mapping({}, {"default": ANGLES, **BOUNDS, "description": TEXTS})
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


SETUPS = mapping(
    {},
    {
        "visible": st.sampled_from(["full_body", "legs", [], ["nose"], ["left_nose"], {}]),
        "view": st.sampled_from(["side", "front", "any", "back"]),
        "start": st.lists(CRITERIA, max_size=2),
    },
)
TYPES = st.sampled_from(["repetition", "hold", "pose"])
RICH_PARTS = {
    ("detection", "type"): TYPES,
    ("detection", "parameters"): st.dictionaries(NAMES, PARAMETERS, max_size=2) | ANYTHING,
    ("detection", "parameters", "depth"): PARAMETERS | ANYTHING,
    ("detection", "setup"): SETUPS | ANYTHING,
    ("detection", "setup", "start", 0): CRITERIA,
    ("detection", "movement", "judge"): st.sampled_from(["bands", "own_range", "strict"]),
    ("detection", "movement", "count"): st.sampled_from(["together", "each_side", "both"]),
    ("detection", "movement", "target_ms"): TIMES,
    ("detection", "movement", "throughout"): st.lists(CONDITIONS, max_size=9),
    ("detection", "movement", "throughout", 0): CONDITIONS,
    ("detection", "movement", "sequence"): st.lists(STEPS, max_size=4),
    ("detection", "movement", "sequence", 1): STEPS,
    ("detection", "movement", "sequence", 2): mapping({"phase": NAMES}, {"within_ms": TIMES}),
    ("detection", "movement", "checks"): st.lists(CHECKS, max_size=17),
    ("detection", "movement", "checks", 0): CHECKS,
    ("detection", "movement", "tempo"): TEMPOS,
    ("detection", "movement", "checks", 0, "least"): mapping({}, BOUNDS) | ANYTHING,
    ("detection", "movement", "feedback", 0): CUES,
    ("detection", "movement", "feedback", 0, "message"): MESSAGES,
    ("detection", "movement", "feedback", 1, "when"): WHENS,
    ("detection", "movement", "feedback", 2, "reason"): st.sampled_from(["view", "pose_lost"]),
}
HOLD_PARTS = {
    ("detection", "type"): TYPES,
    ("detection", "movement", "target_ms"): TIMES,
    ("detection", "movement", "grace_ms"): TIMES,
    ("detection", "movement", "judge"): st.just("bands"),
    ("detection", "movement", "sequence"): st.lists(NAMES, min_size=2, max_size=3),
    ("detection", "movement", "throughout"): st.lists(CONDITIONS, max_size=2),
    ("detection", "movement", "phases"): ANYTHING,
    ("detection", "movement", "phases", 0, "criteria", 0): CRITERIA,
    ("detection", "movement", "checks"): st.lists(CHECKS, max_size=2),
    ("detection", "movement", "feedback"): st.lists(CUES, max_size=2),
}
BASES = [(DOCUMENT, PARTS), (RICH, RICH_PARTS), (HOLD, HOLD_PARTS)]


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A valid document with a few parts replaced or taken away."""
    source, parts = draw(st.sampled_from(BASES))
    document = core_values(source)
    paths = draw(st.lists(st.sampled_from(sorted(parts, key=str)), max_size=3, unique=True))
    for *parents, last in sorted(paths, key=len, reverse=True):
        place = document
        for step in parents:
            place = place[step]
        if isinstance(last, str) and draw(st.integers(0, 3)) == 0:
            place.pop(last, None)
        else:
            place[last] = draw(parts[*parents, last])
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


@pytest.mark.parametrize("source", [DOCUMENT, RICH, HOLD])
def test_it_takes_the_documents_that_the_parts_are_changed_in(source: str) -> None:
    validation = validate(source)
    assert (validation.errors, validation.warnings) == ((), ())
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
    spec = spec_of(document)
    assert spec.version == scalar
    assert SCHEMA.is_valid(core_values(document))


def test_it_is_a_valid_schema_that_says_what_it_is() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["$id"], schema["title"]) == ("urn:kynasmith:schema:movespec", "MoveSpec")
    assert json.loads(json.dumps(schema)) == schema


def test_every_mapping_is_closed_and_every_key_described() -> None:
    def objects(schema: Any) -> list[dict[str, Any]]:
        nested = schema.values() if isinstance(schema, dict) else schema
        found = [
            inner for part in nested if isinstance(part, dict | list) for inner in objects(part)
        ]
        is_record = isinstance(schema, dict) and schema.get("type") == "object"
        return [schema, *found] if is_record and "properties" in schema else found

    records = objects(json_schema())
    for record in records:
        assert record["additionalProperties"] is False
        assert all(key["description"] for key in record["properties"].values())
