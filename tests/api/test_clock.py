"""kynaplatform/clock.py: which measurement counts"""

from datetime import UTC, datetime, timedelta

import pytest

from kynaplatform import clock

NOW = datetime(2100, 5, 6, 7, 8, 9, tzinfo=UTC)


class Machine:
    """Its seconds since it began; the database's clock stands at NOW then."""

    def __init__(self, monkeypatch):
        self.seconds = 1000.0
        monkeypatch.setattr(clock, "_last", None)
        monkeypatch.setattr(clock, "ticks", lambda: self.seconds)

    def measure(self, took, wrong_by=0.0):
        """By a statement that took so long; the database's answer is wrong by so much."""
        asked_at = self.seconds
        self.seconds += took
        told = NOW + timedelta(seconds=asked_at + took / 2 - 1000.0 + wrong_by)
        clock.measured(told, asked_at)

    def error(self):
        true = NOW + timedelta(seconds=self.seconds - 1000.0)
        return round((clock.known_now() - true).total_seconds(), 3)


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_the_first_counts_until_it_is_half_a_minute_old(machine):
    machine.measure(0.001)
    machine.seconds += 20
    machine.measure(0.001, wrong_by=1.0)
    assert machine.error() == 0
    machine.seconds += 11
    machine.measure(0.001, wrong_by=1.0)
    assert machine.error() == 1


def test_one_that_took_long_counts_where_none_other_is_fresh(machine):
    machine.measure(0.001)
    machine.seconds += 40
    machine.measure(0.5, wrong_by=0.2)
    assert machine.error() == 0
    machine.seconds += 30
    machine.measure(0.5, wrong_by=0.2)
    assert machine.error() == 0.2


def test_a_better_one_takes_its_place_at_once(machine):
    machine.measure(4, wrong_by=2.0)
    assert machine.error() == 2
    machine.measure(5, wrong_by=2.5)
    assert machine.error() == 2
    machine.measure(0.001)
    assert machine.error() == 0


def test_a_slow_database_is_asked_once_a_minute_even_so(machine, monkeypatch):
    asked = []

    def ask():
        asked.append(machine.seconds)
        machine.measure(0.3)

    monkeypatch.setattr(clock, "_ask", ask)
    for _ in range(100):
        clock.now()
        machine.seconds += 2
    assert len(asked) == 4
