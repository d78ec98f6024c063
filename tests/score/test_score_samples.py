"""The recordings that are scored, and who is on them."""

from pathlib import Path

import pytest
from score_scene import make_recording

from dev.bench.score.samples import KNOWN_BAD, load_samples, person_of


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("squat_stu4_63_14", "stu4"),
        ("push_up_stu4_46_45", "stu4"),
        ("pull_up_stu10_36_29", "stu10"),
        ("stu1_27", "stu1"),
        ("squat_train3899_02", "squat_train3899_02"),
        ("jumping_jack_val579_03", "jumping_jack_val579_03"),
        ("student5_squat", "student5_squat"),
    ],
)
def test_a_person_is_told_by_the_name(name: str, person: str) -> None:
    assert person_of(name) == person


def test_it_reads_what_a_human_has_counted(tmp_path: Path) -> None:
    make_recording(tmp_path, "a_stu2_1", count=2, rep_frames=[(20, 70), (70, 120)])
    make_recording(tmp_path, "b", exercise="push_up", count=1)
    make_recording(tmp_path, "c", count=0)
    make_recording(tmp_path, "uncounted", count=None)
    first, second, third = load_samples(tmp_path)
    assert (first.name, first.person, first.exercise, first.count) == (
        *("a_stu2_1", "stu2", "squat", 2),
    )
    assert first.repetitions == ((1000, 3500), (3500, 6000))
    assert first.seconds == pytest.approx((9.5 * 20 + 1) / 20)
    assert (second.exercise, second.repetitions) == ("push-up", None)
    assert third.repetitions == ()


def test_what_is_known_to_be_bad_is_marked(tmp_path: Path) -> None:
    make_recording(tmp_path, "push_up_stu4_46_45")
    make_recording(tmp_path, "push_up_stu4_46_46")
    assert [sample.is_bad for sample in load_samples(tmp_path)] == [True, False]
    assert all(KNOWN_BAD.values())
