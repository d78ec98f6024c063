"""What was written at once is counted: plans that are kept are made anew."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from projects.models import Organization

pytestmark = pytest.mark.django_db
MANY = 2_000


def counted() -> float:
    """Rows of projects_organization that PostgreSQL plans by; -1: never counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = 'projects_organization'::regclass"
        )
        return float(cursor.fetchone()[0])


@pytest.mark.parametrize("command", ["migrate", "load_catalogue", "bootstrap_project"])
def test_a_command_that_may_have_written_much_counts_large_tables(command: str) -> None:
    Organization.objects.bulk_create(Organization(name="Acme" * 20) for _ in range(MANY))
    options: dict[str, Any] = {"stdout": StringIO(), "verbosity": 0}
    call_command(command, **options)
    assert Organization.objects.count() >= MANY
    # It is an estimate: while others write, it may be off by a row.
    assert counted() == pytest.approx(Organization.objects.count(), rel=0.01)


def test_a_small_table_is_not_counted() -> None:
    with connection.cursor() as cursor:
        # Also of the rows that other tests have rolled back, which make it large.
        cursor.execute("TRUNCATE projects_organization CASCADE")
    assert counted() == -1
    call_command("bootstrap_project", stdout=StringIO())
    assert counted() == -1
