"""What a page is shown of a movement that is in no catalogue"""

import msgspec
import pytest

from detection import compile as compile_movespec
from movespecs.movement import shown_angle

LEANS = """
name: bow
version: "1"
detection:
  type: repetition
  movement:
    name: bow
    phases:
      - {{name: upright, criteria: [{{lean: {segment}, angle_max: 20}}]}}
      - {{name: bowed, criteria: [{{lean: {segment}, angle_min: 60}}]}}
    sequence: [upright, bowed, upright]
"""


@pytest.mark.parametrize(
    ("segment", "label", "landmarks"),
    [
        ("trunk", "lean of the trunk", [[23, 11], [24, 12]]),
        ("upper_arm", "lean of the upper arm", [[13, 11], [14, 12]]),
    ],
)
def test_a_movement_that_a_lean_carries_has_it(segment, label, landmarks):
    shown = shown_angle(compile_movespec(LEANS.format(segment=segment)))
    assert msgspec.to_builtins(shown) == {
        "measure": segment,
        "label": label,
        "landmarks": landmarks,
        "bands": [
            {"phase": "upright", "min": 0, "max": 20},
            {"phase": "bowed", "min": 60, "max": 180},
        ],
    }
