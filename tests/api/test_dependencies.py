"""The lines about a dependency: at once, then every 30 s with its failures, and at its end."""

import errno
import logging

import pytest
from psycopg.errors import DiskFull

from kynaplatform.celery import WithoutOutages
from kynaplatform.dependencies import BROKER, FULL_SECONDS, Outage


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("kynaplatform.dependencies.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def told(caplog):
    """What is written at the level that is given."""

    def told(level=logging.WARNING):
        return [record.getMessage() for record in caplog.records if record.levelno >= level]

    caplog.set_level(logging.DEBUG, "kynaplatform.outages")
    return told


def test_however_often_it_is_met_it_is_told_every_30_seconds_and_when_it_is_over(clock, told):
    outage = Outage("the cellar")
    for _ in range(280):
        outage.record_failure(ConnectionRefusedError("no\n  light"))
        clock.now += 0.25
    outage.record_recovery()
    outage.record_recovery()
    assert told() == [
        "the cellar is out of reach (failures: 1): no light",
        "the cellar is out of reach (failures: 120): no light",
        "the cellar is out of reach (failures: 120): no light",
        "the cellar is back after 70.0 s",
    ]
    assert len(told(logging.DEBUG)) == 281


def test_a_full_disk_is_told_apart_and_so_is_what_it_ends(clock, told):
    outage = Outage("the cellar")
    outage.record_failure(DiskFull("could not extend file"))
    assert outage.has_full_disk
    # It is within reach, so nothing is back.
    outage.record_recovery()
    for _ in range(2):
        clock.now += FULL_SECONDS - 1
        outage.record_failure(ConnectionRefusedError("it recovers"))
        assert outage.has_full_disk
    outage.record_recovery()
    clock.now += FULL_SECONDS
    assert not outage.has_full_disk
    outage.record_failure(ConnectionRefusedError("stopped"))
    assert not outage.has_full_disk
    assert told() == [
        "the cellar has a full disk (failures: 1): could not extend file",
        "the cellar is out of reach (failures: 1): it recovers",
        "the cellar is out of reach (failures: 1): it recovers",
        "the cellar is back after 59.0 s",
        "the cellar is out of reach (failures: 1): stopped",
    ]


@pytest.mark.parametrize(
    ("error", "is_left_out"),
    [
        (ConnectionRefusedError("no"), True),
        (OSError(errno.EHOSTUNREACH, "no way"), True),
        (OSError(errno.ENOSPC, "no space"), False),
        (PermissionError("schedule"), False),
    ],
)
def test_of_celerys_lines_only_those_of_the_network_are_taken_for_an_outage(error, is_left_out):
    line = logging.LogRecord("celery.beat", logging.CRITICAL, "", 0, "it raised %r", (error,), None)
    assert WithoutOutages().filter(line) is not is_left_out
    BROKER.record_recovery()
