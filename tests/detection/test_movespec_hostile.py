"""Texts made to hurt: each is one clear issue, found without reading more than the bounds allow."""

import pytest
import yaml
from movespec_documents import DOCUMENT, RICH, edit, errors_of

from detection import validate, validation
from detection.language import yaml_tree
from detection.language.issues import MAX_ERRORS
from detection.language.yaml_tree import MAX_BYTES


def filled(unit: str) -> str:
    return unit * (MAX_BYTES // len(unit.encode()))


@pytest.mark.parametrize(
    "document",
    ["[" * 5_000_000, "\ud800" * 70_000, "😀" * 16_385, "x" * 65_537, "é" * 32_769],
    ids=["flow", "surrogates", "4 bytes each", "ascii", "2 bytes each"],
)
def test_it_refuses_a_large_text_unread(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "parse", None)
    assert errors_of(document) == [("document_too_large", None, None, None)]


def test_it_reads_a_text_of_the_greatest_size() -> None:
    document = DOCUMENT + "#" * (MAX_BYTES - len(DOCUMENT))
    assert len(document) == 65_536
    assert errors_of(document) == []
    assert errors_of(document + "#") == [("document_too_large", None, None, None)]


@pytest.mark.parametrize(
    ("document", "code", "line", "column"),
    [
        (filled("["), "too_deep", 1, 1001),
        (filled("{"), "too_deep", 1, 1001),
        (filled("[{"), "too_deep", 1, 1001),
        (filled("[\n"), "too_deep", 11, 1),
        (filled("- "), "too_deep", 1, 21),
        (filled("{a: "), "too_deep", 1, 41),
        ("".join(f"{' ' * i}a:\n" for i in range(350)), "too_deep", 11, 11),
        ("[" * 999 + filled("a,")[:60_000], "too_deep", 1, 11),
        (filled("? "), "invalid_key", 1, 3),
        ("{{ name }}", "invalid_key", 1, 2),
        (filled("a: "), "yaml_syntax", 1, 5),
        (filled("a")[:-3] + ": 1", "yaml_syntax", 1, 65_534),
        ('"' + "x" * 65_535, "yaml_syntax", 1, 1),
        (filled("]"), "yaml_syntax", 1, 1),
        (filled("\t"), "yaml_syntax", 1, 1),
        (filled('"a":'), "yaml_syntax", 1, 4),
        (filled("%TAG !a! b\n"), "yaml_syntax", 2, 1),
        (filled("---\n"), "multiple_documents", 2, 1),
        (filled("\n"), "document_empty", 1, 1),
        (filled("#\n"), "document_empty", 1, 1),
        (filled(" "), "document_empty", 1, 1),
        (filled("a"), "wrong_type", 1, 1),
        (filled("😀"), "wrong_type", 1, 1),
        (filled("\x00"), "invalid_character", 1, 1),
        (filled("\r")[:-1] + "\x01", "invalid_character", 65_536, 1),
        (filled("-\n"), "too_many_nodes", 5000, 2),
        ("[" + filled("a,")[:-2], "too_many_nodes", 1, 10_000),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_it_refuses_a_hostile_text_with_one_issue(
    document: str, code: str, line: int, column: int
) -> None:
    assert errors_of(document) == [(code, None, line, column)]


def test_ten_levels_are_read_and_eleven_are_not() -> None:
    ten = edit('"1.0"', "[" * 9 + "]" * 9)
    eleven = edit('"1.0"', "[" * 10 + "]" * 10)
    assert errors_of(ten) == [("wrong_type", "version", 2, 10)]
    assert errors_of(eleven) == [("too_deep", None, 2, 19)]


def test_it_stops_at_the_bound_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    node_class = yaml_tree.Node
    monkeypatch.setattr(yaml_tree, "Node", lambda *args: made.append(args) or node_class(*args))
    validate(filled("-\n"))
    assert len(made) == yaml_tree.MAX_NODES


def test_aliases_are_never_expanded() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30)
    )
    errors = errors_of(bomb)
    codes = [code for code, *_ in errors]
    # Of 30 anchors, 58 aliases and 12 unknown keys, the last in the text gives way to the notice.
    assert (codes.count("anchor_not_allowed"), codes.count("alias_not_allowed")) == (30, 57)
    assert len(errors) == MAX_ERRORS
    assert errors[-1] == ("too_many_errors", None, None, None)


def test_it_lists_at_most_100_errors() -> None:
    hundred = "".join(f"k{i}: 1\n" for i in range(97))
    assert len(errors_of(hundred)) == 100
    assert errors_of(hundred)[-1] == ("unknown_key", "k96", 97, 1)
    errors = validate(hundred + "k97: 1\n").errors
    assert len(errors) == 100
    assert errors[-1].code == "too_many_errors"
    assert errors[-1].message == "There are more errors; 99 of them are listed."
    assert errors_of(filled("k: 1\n"))[:2] == [("duplicate_key", "k", line, 1) for line in (2, 3)]


def test_it_does_not_look_at_items_beyond_the_most_that_a_list_may_have() -> None:
    document = edit("[standing, bottom, standing]", f"[{'up, down, ' * 100}]")
    codes = [code for code, *_ in errors_of(document)]
    assert codes == ["too_many_items"] + ["unknown_phase"] * 32


def test_a_number_of_64_kilobytes_is_a_number() -> None:
    path = "detection.movement.phases[1].criteria[0].angle_max"
    for digits in ("9" * 60_000, "0x" + "f" * 60_000, "0o" + "7" * 60_000, "1e" + "9" * 60_000):
        document = edit("angle_max: 100", f"angle_max: {digits}")
        assert errors_of(document) == [("number_out_of_range", path, 13, 66)]
    long_fraction = edit("angle_max: 100", f"angle_max: 99.{'9' * 60_000}")
    assert errors_of(long_fraction) == []


ONE = "{default: 1, min: 0, max: 2}"


def with_many_parameters() -> str:
    """A document of the greatest lists, with a parameter in each criterion."""
    parameters = "".join(
        f"    p{n}: {{default: {10 * n + 2}, min: {10 * n + 1}, max: {10 * n + 3}}}\n"
        for n in range(16)
    )
    measures = ["joint: knee", "joint: hip", "joint: elbow", "joint: shoulder"]
    measures += ["lean: thigh", "lean: shank", "lean: upper_arm", "lean: forearm"]
    phases = "".join(
        f"      - {{name: a{n}, criteria: ["
        + ", ".join(f"{{{measure}, min: $p{n}, max: {10 * n + 8}}}" for measure in measures)
        + "]}\n"
        for n in range(16)
    )
    steps = ", ".join(f"a{n}" for n in range(16))
    head = DOCUMENT.split("    phases:\n")[0]
    head = edit("  movement:", f"  parameters:\n{parameters}  movement:", head)
    return f"{head}    phases:\n{phases}    sequence: [{steps}]\n"


def test_the_roles_are_looked_at_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    find_motions = validation.find_motions
    monkeypatch.setattr(
        validation, "find_motions", lambda spec: looks.append(spec) or find_motions(spec)
    )
    assert validate(with_many_parameters()).errors == ()
    # By the defaults, at both ends of each parameter, and at four corners of them all.
    assert len(looks) == 1 + 2 * 16 + 4


def test_no_message_is_longer_than_a_few_lines() -> None:
    for document in (
        filled("a"),
        f"{'k' * 900}: 1",
        edit("name: squat\nv", f"name: {'a!' * 30_000}\nv"),
        edit("joint: hip", f"joint: {'h' * 60_000}"),
        edit(", bottom,", f", {'b' * 64},"),
        edit("$depth", f"${'d' * 40}", RICH),
        edit("$depth", f"${'d' * 60_000}", RICH),
        edit(
            "    depth:", "".join(f"    {'p' * 38}{n}: {ONE}\n" for n in range(9)) + "    x:", RICH
        ),
        edit("en: Higher", f"{'e' * 60_000}: Higher", RICH),
        edit("full_body", "[" + "n" * 60_000 + "]", RICH),
        edit("reason: view", f"reason: {'v' * 60_000}", RICH),
        edit("reason: view", "raeson: view", RICH),
        edit("key: higher", f"{'k' * 60_000}: higher", RICH),
        edit("required: true", f"{'k' * 60_000}: true", RICH),
        edit("hold_ms: $pause", f"hold_ms: {'9' * 60_000}", RICH),
    ):
        assert not validate(document).ok
        for error in validate(document).errors:
            assert len(error.message) <= 200
            assert len(error.path or "") <= 200
