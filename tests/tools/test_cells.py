"""bench/cells.py: placements as the page on cells tells of them"""

import pytest

from bench.cells import (
    Placement,
    after_death,
    after_growth,
    bounded,
    evened,
    fullness,
    hashed,
    load_of,
    made_up,
    moved,
    rules,
    table,
)

CELLS = [f"cell-{n}" for n in range(8)]
PROJECTS = made_up(8_000, 300, 1.2, 300, seed=4)
RULES = pytest.mark.parametrize("name", ["hashed", "bounded", "table"])


def test_projects_have_the_streams_together_and_none_too_many() -> None:
    assert sum(PROJECTS.values()) == pytest.approx(8_000)
    assert max(PROJECTS.values()) <= 300
    assert len(PROJECTS) > 300
    # A tenth of them have most.
    sizes = sorted(PROJECTS.values(), reverse=True)
    assert sum(sizes[: len(sizes) // 10]) > 0.4 * 8_000
    grown = after_growth(PROJECTS, seed=4)
    assert sum(grown.values()) == pytest.approx(8_000)
    assert grown != PROJECTS


@RULES
def test_each_project_has_one_cell_and_the_same_again(name: str) -> None:
    rule = rules(0.1)[name]
    placement = rule(PROJECTS, CELLS, {})
    assert placement.keys() == PROJECTS.keys()
    assert set(placement.values()) == set(CELLS)
    assert rule(PROJECTS, CELLS, placement) == placement


def test_a_bound_is_kept_and_a_hash_knows_none() -> None:
    assert fullness(PROJECTS, bounded(PROJECTS, CELLS, 0.1), CELLS) <= 1.1
    assert fullness(PROJECTS, hashed(PROJECTS, CELLS, {}), CELLS) > 1.1
    # A project that no cell has room for is on the least loaded one.
    huge = {"small": 1.0, "huge": 100.0}
    placement = bounded(huge, CELLS, 0.1)
    assert placement["huge"] != placement["small"]


def test_a_cell_that_comes_takes_what_it_needs_or_nothing() -> None:
    more = [*CELLS, "cell-8"]
    before, after = hashed(PROJECTS, CELLS, {}), hashed(PROJECTS, more, {})
    changed = {project for project in PROJECTS if before[project] != after[project]}
    assert changed
    assert {after[project] for project in changed} == {"cell-8"}
    kept = table(PROJECTS, CELLS, {})
    assert moved(PROJECTS, kept, table(PROJECTS, more, kept)) == 0
    # New projects go to it.
    new = {**PROJECTS, "new": 5.0}
    assert table(new, more, kept)["new"] == "cell-8"


@RULES
def test_of_a_death_every_stream_is_placed_again(name: str) -> None:
    rule = rules(0.1)[name]
    before = rule(PROJECTS, CELLS, {})
    for dead in CELLS:
        fallen, beside, fullest = after_death(PROJECTS, CELLS, rule, before, dead)
        assert fallen == load_of(PROJECTS, before, CELLS)[dead] > 0
        assert fullest >= 8_000 / 7
        # Only a bound pushes others away.
        assert (beside > 1e-6) is (name == "bounded")


def test_few_have_to_move_until_all_are_even_again() -> None:
    before: Placement = dict.fromkeys(PROJECTS, CELLS[0])
    after = evened(PROJECTS, CELLS, before, 0.1)
    assert fullness(PROJECTS, after, CELLS) <= 1.1
    assert moved(PROJECTS, before, after) <= 8_000 - 1_000
    assert evened(PROJECTS, CELLS, after, 0.1) == after
