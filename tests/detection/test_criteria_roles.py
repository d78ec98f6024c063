"""What each criterion does, as `roles` tells a coach, and as the engine then does it."""

from dataclasses import replace
from pathlib import Path

import pytest
from engine_scene import at, completed, going, movespec, run, swinging, told

from detection import MoveSpec, roles
from detection.spec import SIDES
from dev.bench.score.engine_runs import catalogue
from dev.poses.figure import MOVEMENTS, Posture

CATALOGUE = Path(__file__).with_name("catalogue_roles.txt")
MOVEMENT = "detection.movement"
DEEP = MOVEMENTS["squat"].peak
USUALLY = "later ones 60 % of the person's usual way"


def sentences(spec: MoveSpec, role: str | None = None) -> list[str]:
    return [one.sentence for one in roles(spec) if role in (None, one.role)]


def test_the_engine_counts_what_the_sentence_says() -> None:
    """The knee alone, 50 degrees at first, 60 % of the last four swings, and never under 25."""

    def counted(*turns: float) -> int:
        return completed(run(movespec(), at(swinging(turns, stay_ms=600))))

    assert counted(170, 122, 170) == 0
    assert counted(170, 118, 170) == 1
    deep = (170, 80, 170, 80, 170)
    assert counted(*deep) == 2
    assert counted(*deep, 118, 170) == 2
    assert counted(*deep, 112, 170) == 3
    shallow = (165, 117, 165, 117, 165, 117, 165)
    assert counted(*shallow, 134, 165) == counted(*shallow) + 1
    assert counted(*shallow, 142, 165) == counted(*shallow)


def test_a_far_edge_bounds_nothing_and_says_so() -> None:
    spec = movespec(
        {
            "standing": ["{joint: knee, angle_min: 150, angle_max: 170}"],
            "bottom": ["{joint: knee, angle_min: 40, angle_max: 100}"],
        }
    )
    standing, bottom = sentences(spec)
    assert standing.startswith("The knee at 150° or more is the high end")
    assert standing.endswith("; more than 170° counts too.")
    assert bottom.startswith("The knee at 100° or less is the low end")
    assert bottom.endswith("; less than 40° counts too.")


def test_never_less_than_15_degrees() -> None:
    spec = movespec(
        {"up": ["{joint: knee, angle_min: 150}"], "down": ["{joint: knee, angle_max: 140}"]},
        ["up", "down", "up"],
    )
    assert sentences(spec)[0] == (
        'The knee at 150° or more is the high end of the movement, "up": the first repetition must'
        f" come 15° from the other end, {USUALLY}, and each at least 15°."
    )


def test_a_strict_end_holds_its_band_to_the_degree() -> None:
    spec = movespec(strict=["bottom"])
    assert sentences(spec) == [
        'The knee at 150° or more is the high end of the movement, "standing": the first repetition'
        f" must come 50° from the other end, {USUALLY}, or of the last way if that was shorter, and"
        " each at least 25°.",
        'The knee at 100° or less is the low end of the movement, "bottom": each repetition must'
        " come at least 25° from the other end, and into this band to the degree.",
    ]


TRUNK = "{{lean: trunk, angle_max: {}}}"


def with_trunk(standing: str, bottom: str, **more: list[str]) -> MoveSpec:
    return movespec(
        {
            "standing": ["{joint: knee, angle_min: 150}", *([standing] if standing else [])],
            "bottom": ["{joint: knee, angle_max: 100}", *([bottom] if bottom else [])],
        },
        **more,
    )


@pytest.mark.parametrize(
    ("bounds", "asked", "ended"),
    [
        ("angle_min: 20, angle_max: 60", "20° to 60°", "less than 15° or more than 65°"),
        ("angle_min: 20.5", "20.5° or more", "less than 15.5°"),
        ("angle_max: 60", "60° or less", "more than 65°"),
        ("angle_min: 90, angle_max: 90", "exactly 90°", "less than 85° or more than 95°"),
        # No angle misses these by over 5 degrees.
        ("angle_min: 5", "5° or more", None),
        ("angle_max: 175", "175° or less", None),
        ("angle_min: 0", "any angle", None),
    ],
)
def test_a_band_is_said_as_people_say_it(bounds: str, asked: str, ended: str | None) -> None:
    spec = with_trunk(f"{{lean: trunk, {bounds}}}", "")
    ends = f", and {ended} ends it" if ended else ""
    assert sentences(spec, "gate") == [
        f'The trunk must lean by {asked} for "standing" to begin{ends}.'
    ]


def test_each_side_has_its_words() -> None:
    owners = ["The", "The left", "The right", "Each", "At least one", "The front", "The back"]
    for owner, side in zip(owners, [None, *SIDES], strict=True):
        sided = f", side: {side}" if side else ""
        spec = movespec(
            {
                "standing": [f"{{joint: elbow{sided}, angle_min: 150}}"],
                "bottom": [f"{{lean: upper_arm{sided}, angle_max: 100}}"],
            }
        )
        assert sentences(spec) == [
            f'{owner} elbow must be at 150° or more for "standing" to begin, and less than 145°'
            " ends it.",
            f'{owner} upper arm must lean by 100° or less for "bottom" to begin, and more than 105°'
            " ends it.",
        ]


def test_a_gate_of_a_strict_phase_has_no_tolerance() -> None:
    spec = movespec(
        {"standing": ["{joint: knee, angle_min: 150}"], "bottom": ["{lean: thigh, angle_min: 60}"]},
        strict=["bottom"],
    )
    assert sentences(spec)[1] == (
        'The thigh must lean by 60° or more, to the degree, for "bottom" to begin and to last.'
    )


def test_a_phase_between_the_ends_says_what_turning_back_means() -> None:
    spec = movespec(
        {
            "standing": ["{joint: knee, angle_min: 150}"],
            "half": ["{joint: knee, angle_min: 110, angle_max: 140}", TRUNK.format(40)],
            "bottom": ["{joint: knee, angle_max: 100}"],
        },
        ["standing", "half", "bottom", "standing"],
    )
    assert [(one.path, one.role, one.sentence) for one in roles(spec)][1:3] == [
        (
            f"{MOVEMENT}.phases[1].criteria[0]",
            "gate",
            'The knee must be at 110° to 140° for "half" to begin, and less than 105° or more than'
            " 145° ends it; who turns back in it has not been at the end beyond.",
        ),
        (
            f"{MOVEMENT}.phases[1].criteria[1]",
            "gate",
            'The trunk must lean by 40° or less for "half" to begin, and more than 45° ends it.',
        ),
    ]


def test_a_condition_of_a_strict_phase_is_met_to_the_degree_to_begin() -> None:
    spec = with_trunk(TRUNK.format(35), TRUNK.format(75), strict=["bottom"])
    assert sentences(spec, "condition")[1] == (
        'The trunk must lean by 75° or less, to the degree, for "bottom" to begin; more than 80°'
        " for 0.15 s, at any time, breaks the repetition off."
    )


def test_bands_that_allow_every_angle_together_are_gates() -> None:
    spec = with_trunk(TRUNK.format(100), "{lean: trunk, angle_min: 60}")
    assert sentences(spec, "condition") == []
    assert sentences(spec, "gate") == [
        'The trunk must lean by 100° or less for "standing" to begin, and more than 105° ends it.',
        'The trunk must lean by 60° or more for "bottom" to begin, and less than 55° ends it.',
    ]


@pytest.mark.parametrize(("lean", "reasons"), [(79, []), (81, ["event_interrupted:condition"])])
def test_the_engine_breaks_off_where_the_sentence_says(lean: float, reasons: list[str]) -> None:
    spec = with_trunk(TRUNK.format(35), TRUNK.format(75))
    frames = going(Posture(), replace(DEEP, lean=60), replace(DEEP, lean=lean), stay_ms=600)
    assert [one for one in told(run(spec, frames, finish=False)) if "interrupted" in one] == reasons


def test_a_phase_that_the_sequence_does_not_use_counts_nothing() -> None:
    spec = movespec(
        {
            "standing": ["{joint: knee, angle_min: 150}"],
            "bottom": ["{joint: knee, angle_max: 100}"],
            "half": ["{joint: knee, angle_max: 130}", "{lean: thigh, side: left, angle_min: 20}"],
        }
    )
    assert [(one.role, one.sentence) for one in roles(spec)][2:] == [
        (
            "unused",
            'The sequence does not use "half", which counts nothing: it tells when the knee is at'
            " 130° or less.",
        ),
        (
            "unused",
            'The sequence does not use "half", which counts nothing: it tells when the left thigh'
            " leans by 20° or more.",
        ),
    ]


@pytest.mark.parametrize("slug", sorted(catalogue()))
def test_the_catalogue_s_say_exactly_this(slug: str) -> None:
    """The file has every sentence of the catalogue: read a change of it as a physiotherapist."""
    told = "".join(
        f"{one.path.removeprefix(f'{MOVEMENT}.')}  {one.role}, {one.view}\n  {one.sentence}\n"
        for one in roles(catalogue()[slug])
    )
    by_slug = dict(part.split("\n", 1) for part in CATALOGUE.read_text().split("# ")[1:])
    assert sorted(by_slug) == sorted(catalogue())
    assert told == by_slug[slug].rstrip("\n") + "\n"
