"""What a MoveSpec means, and what a version changed in meaning."""

import pytest
from django.test import Client

import detection.validation
from detection import validate
from movespecs.catalogue import catalogue_slugs, catalogue_text
from movespecs.models import MoveSpec, MoveSpecVersion
from staff.movespec_text import changes, meanings_of
from tests.admin.counted_sessions import CURL, HOLD, SQUAT
from tests.admin.staffing import address, words
from tests.conftest import VALID_YAML, make_version


def meaning(yaml_source: str) -> dict[str, str]:
    validation = validate(yaml_source)
    assert validation.ok
    return dict(meanings_of(validation))


def changed(old: str, new: str) -> list[str]:
    before, after = (meanings_of(validate(text)) for text in (old, new))
    return [f"{one.subject}: {one.said}" for one in changes(before, after)]


def test_each_line_says_one_thing() -> None:
    assert meaning(SQUAT) == {
        "author's label": "1",
        "counts": "repetitions of squat",
        "sequence": "standing, then bottom within 4 s, then standing",
        "knee at standing": "at least 150°",
        "knee at bottom": "at most 110°",
        "lean of the trunk throughout": "at most 60°, broken for at most 150 ms",
        "check depth": "knee at its least at bottom at most 95°, required",
        "check control": "knee at its least at bottom at least 70°",
        "message at completed": "“Good depth.” (coaching)",
    }
    assert meaning(HOLD)["held for"] == "3 s, breaks up to 500 ms bridged"
    assert meaning(CURL)["sides"] == "left and right counted apart"


def test_a_tempo_is_told_as_the_checks_that_it_is() -> None:
    tempo = "{out: {min: 2500, max: 3500, required: true}, back: {max: 1500}}"
    told = meaning(SQUAT.replace("    sequence", f"    tempo: {tempo}\n    sequence"))
    assert told["check tempo.out"] == "2.5 s to 3.5 s, required"
    assert told["check tempo.back"] == "1.5 s or less"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("max: 110}", "max: 120}", ["knee at bottom: at most 110° → 120°"]),
        ('"1"', '"2"', ["author's label: 1 → 2"]),
        (
            "within_ms: 4000", "within_ms: 2500, hold_ms: 300",
            [
                "sequence: standing, then bottom within 4 s, then standing → standing, then "
                "bottom for 300 ms within 2.5 s, then standing"
            ],
        ),
        ("within_ms: 4000", "within_ms: 4001", [
            "sequence: standing, then bottom within 4 → 4.001 s, then standing"
        ]),
        ("{lean: trunk, max: 60}", "", [
            "throughout: new, nothing is asked",
            "lean of the trunk throughout: gone, was at most 60°, broken for at most 150 ms",
        ]),
        ("joint: knee, max: 110", "joint: hip, max: 110", [
            "hip at bottom: new, at most 110°", "knee at bottom: gone, was at most 110°",
        ]),
        ("Good depth.", "Deep enough.", [
            "message at completed: “Good depth.” (coaching) → “Deep enough.” (coaching)"
        ]),
        ("message: Good depth.", "key: deep, message: Good depth.", [
            "message at completed: “Good depth.” (coaching) → “Good depth.” (coaching), key deep"
        ]),
        ("when: completed,", "when: {check: depth, met: true},", [
            "message at check depth, met: new, “Good depth.” (coaching)",
            "message at completed: gone, was “Good depth.” (coaching)",
        ]),
        ("required: true", "required: false", [
            "check depth: knee at its least at bottom at most 95°, required → knee at its least at "
            "bottom at most 95°"
        ]),
    ],
)  # fmt: skip
def test_a_change_is_told_by_its_meaning(old: str, new: str, told: list[str]) -> None:
    assert old in SQUAT
    assert changed(SQUAT, SQUAT.replace(old, new)) == told


def test_layout_and_comments_change_nothing() -> None:
    assert changed(SQUAT, SQUAT.replace("\n", "  # as before\n", 1)) == []


@pytest.mark.parametrize("slug", catalogue_slugs())
def test_every_movement_of_the_catalogue_has_a_meaning_without_repeats(slug: str) -> None:
    validation = validate(catalogue_text(slug))
    found = meanings_of(validation)
    assert validation.spec is not None
    asked = sum(len(phase.criteria) for phase in validation.spec.phases)
    assert len(found) >= asked + len(validation.spec.feedback) + len(validation.parameters)
    assert len(dict(found)) == len(found)


def test_the_page_of_a_version_says_what_changed_above_the_lines(
    support: Client, movespec: MoveSpec
) -> None:
    second = make_version(movespec.id, VALID_YAML.replace("angle_max: 100", "angle_max: 95"))
    text = words(support.get(address(second)))
    told = "What changed in meaning Knee at bottom : 60° to 100° → 60° to 95°"
    assert told in text
    assert text.index(told) < text.index("From version 1 to version 2")
    assert text.index("What it means") < text.rindex(" YAML ")

    same = make_version(movespec.id, VALID_YAML + "# a comment\n")
    text = words(support.get(address(same)))
    assert "What changed in meaning Nothing: version 3 counts as version 1 does." in text


def test_versions_that_differ_beyond_what_is_told_are_not_called_the_same(
    support: Client, movespec: MoveSpec
) -> None:
    old, new = "message: Good depth.", "message: {en: Good depth., de: Tief.}"
    assert old in SQUAT
    make_version(movespec.id, SQUAT)
    first = movespec.versions.get(version_number=2)
    other = make_version(movespec.id, SQUAT.replace(old, new))
    text = words(support.get(address(other), {"against": first.pk}))
    assert (
        "What changed in meaning Nothing that is told here, but the two are not the same: see the "
        "lines." in text
    )
    assert "counts as version" not in text


def test_a_comparison_validates_each_text_once(
    support: Client, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = make_version(movespec.id, VALID_YAML + "# two\n")
    read: list[str] = []
    once = detection.validation.read_document
    monkeypatch.setattr(
        detection.validation,
        "read_document",
        lambda text, report: read.append(text) or once(text, report),
    )
    support.get(address(second))
    assert sorted(read) == sorted([VALID_YAML, second.yaml_source])


def test_of_a_text_that_is_not_valid_lines_alone_are_compared(
    support: Client, movespec: MoveSpec
) -> None:
    text = VALID_YAML.replace("joint: knee", "joint: kne")
    broken = MoveSpecVersion.objects.create(
        movespec=movespec, version_number=2, yaml_source=text, content_hash="0" * 64
    )
    text = words(support.get(address(broken)))
    assert "One of the two texts is not valid, so only their lines are compared." in text
    assert "What it means" not in text
    assert "From version 1 to version 2" in text
