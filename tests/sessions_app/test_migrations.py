"""Migrations beside the traffic: interrupted, killed, and run again; what old rows lose."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests.concurrency.racing import waiting_backends
from tests.server import ROOT
from tests.server import test_database_url as database_url
from tests.waiting import eventually

# Beside long transactions, of which it lets go


def applied() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'sessions_app'")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def undone(transactional_db: None) -> Iterator[None]:
    """The tables of the release of 2026-11-28."""
    call_command("migrate", "sessions_app", "0001", verbosity=0)
    yield
    call_command("migrate", verbosity=0)


@contextmanager
def migrating() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "manage.py", "migrate", "--no-color"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as migrate:
        try:
            yield migrate
        finally:
            migrate.terminate()


@pytest.mark.django_db(transaction=True)
def test_it_lets_others_pass_and_tries_again(undone: None) -> None:
    with psycopg.connect(database_url()) as reader, migrating() as migrate:
        reader.execute("SELECT FROM detection_session LIMIT 1")
        assert migrate.stderr is not None
        told = migrate.stderr.readline()
        assert told == "A table is in use: letting others pass, then trying again.\n"
        # The long transaction is still there, and whoever comes now need not wait for it.
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute("SELECT FROM detection_session LIMIT 1")
        assert "0010_release_0_3_0" not in applied()
        reader.rollback()
        assert migrate.wait(60) == 0
    assert {"0010_release_0_3_0", "0013_count_events"} <= applied()


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_an_index_made_beside_the_traffic_waits_for_as_long_as_it_takes(undone: None) -> None:
    call_command("migrate", "sessions_app", "0010", verbosity=0)
    with psycopg.connect(database_url()) as reader, migrating() as migrate:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT FROM detection_session LIMIT 1")
        eventually(lambda: waiting_backends() == 1, "the index waits")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
            assert cursor.fetchone() == (1,)
            # Longer than migrate waits for a table.
            cursor.execute("SELECT pg_sleep(3.5)")
            cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
            assert cursor.fetchone() == (1,)
        assert waiting_backends() == 1
        reader.rollback()
        told = migrate.stderr.read() if migrate.stderr else ""
        assert (migrate.wait(60), told) == (0, "")
