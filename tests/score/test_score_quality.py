"""How well the countable share marks recordings that are counted off by more than one."""

import os
from pathlib import Path

import pytest
from score_scene import make_recording

from detection import QualityReason
from dev.bench.score import quality
from dev.bench.score.engine_runs import Workers
from dev.bench.score.samples import load_samples

SURE = dict.fromkeys(QualityReason, 0.0)


@pytest.fixture
def judged(tmp_path: Path) -> list[quality.Judged]:
    make_recording(tmp_path, "squat_a_03")
    make_recording(tmp_path, "squat_b_09", count=9)
    return quality.judge(Workers(load_samples(tmp_path)))


def test_the_limit_leaves_a_tenth_of_the_rest_above_it(judged: list[quality.Judged]) -> None:
    right, wrong = judged

    def unsure(one: quality.Judged, share: float) -> quality.Judged:
        return one._replace(shares=SURE | {QualityReason.POSE_LOST: share})

    rest = [unsure(right, number / 100) for number in range(20)]
    misses = [unsure(wrong, 0.175), unsure(wrong, 0.165)]
    sign = quality.unsure(QualityReason)
    limit = quality.limit_for([*rest, *misses], sign)
    assert limit == pytest.approx(0.17)
    assert quality.marked([*rest, *misses], limit, sign) == (2, 1, 20, 2)


def test_reasons_of_time_are_added_and_that_of_the_movement_is_multiplied(
    judged: list[quality.Judged],
) -> None:
    shares = SURE | {
        QualityReason.POSE_LOST: 0.1,
        QualityReason.POSE_JUMPING: 0.1,
        QualityReason.INCOMPLETE_MOVEMENTS: 0.5,
    }
    one = judged[0]._replace(shares=shares)
    assert quality.unsure(QualityReason)(one) == pytest.approx(0.6)
    assert quality.unsure([QualityReason.POSE_LOST])(one) == pytest.approx(0.1)


@pytest.mark.long
@pytest.mark.skipif(
    not os.environ.get("RECORDINGS_DIR"), reason="RECORDINGS_DIR names no folder of recordings"
)
def test_most_of_the_misses_of_people_left_out_are_marked_and_few_of_the_rest() -> None:
    with Workers(load_samples(Path(os.environ["RECORDINGS_DIR"]))) as workers:
        judged = quality.judge(workers)
    of = quality.by_people(judged, quality.unsure(QualityReason))
    assert of.misses >= 10
    assert of.marked >= 0.5 * of.misses
    assert of.wrongly <= 0.11 * of.rest
