"""What `make test` takes a part of, and `make test-long` takes whole.

Hypothesis makes each test's examples by a profile, which `--hypothesis-profile` names: `gate`
makes the same at each run, `long` makes more, and others each time. A test whose examples take
long asks for a share of them: `max_examples=settings.default.max_examples // 20`.

A test marked `long` runs where `-m ""` selects it.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
UNTIMED: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("gate", max_examples=100, derandomize=True, database=None, **UNTIMED)
# Under CI Hypothesis would make the same each time here too.
settings.register_profile("long", max_examples=1500, derandomize=False, **UNTIMED)


def thinned(names: str, *axes: Sequence[Any]) -> pytest.MarkDecorator:
    """Parametrize by every combination of `axes`; all but a diagonal are `long`.

    The diagonal takes one step along every axis at once, and begins a shorter one anew. So it has
    each value of every axis, and as many combinations as the longest axis has values.
    """
    steps = max(len(axis) for axis in axes)
    diagonal = {tuple(axis[step % len(axis)] for axis in axes) for step in range(steps)}
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(*values, marks=() if values in diagonal else pytest.mark.long)
            for values in product(*axes)
        ],
    )


def at_length(names: str, short: Any, *long: Any) -> pytest.MarkDecorator:
    """Give a test the `short` value in the gate, and the `long` ones too in the long run.

    Of several `names` each value is a tuple of theirs.
    """
    several = "," in names
    further = [
        pytest.param(*(value if several else [value]), marks=pytest.mark.long) for value in long
    ]
    return pytest.mark.parametrize(names, [short, *further])


def one_in(number: int) -> pytest.MarkDecorator:
    """Give a test `every`: of what it goes through it takes `[::every]`, one in `number` or all."""
    return at_length("every", number, 1)
