"""What a test leaves in the database: nothing that another meets.

At the end of a test that commits it is one TRUNCATE of the tables that tests fill.

Django's flush also empties what a migrate makes, and makes it anew under other numbers, which
a server that lives for several tests has cached. It takes a tenth of a second; this, a third of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import connection
from django.test import TransactionTestCase

# Made by the receivers of post_migrate.
BY_MIGRATE = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")


def truncate_tables(*_: object) -> None:
    """Empty every table but those that a migrate fills."""
    every = connection.introspection.django_table_names(include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(sorted({*every} - {*BY_MIGRATE}))}")


def made_by_migrate() -> dict[str, str]:
    """A digest of each table that a migrate fills."""
    digest = "(SELECT md5(string_agg(row::text, ' ' ORDER BY row.id)) FROM {} row)"
    digests = (digest.format(table) for table in BY_MIGRATE)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(digests)}")
        return dict(zip(BY_MIGRATE, cursor.fetchone(), strict=True))


def vacuum_tables() -> None:
    """Take away what rollbacks have left: each scan of the tests after would read it all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 2000")
        if tables := ", ".join(name for (name,) in cursor.fetchall()):
            cursor.execute(f"VACUUM {tables}")


@contextmanager
def truncating() -> Iterator[None]:
    """Truncate at the end of each TransactionTestCase. What a migrate made is the same after it."""
    made = made_by_migrate()

    def tear_down(_: TransactionTestCase) -> None:
        nonlocal made
        truncate_tables()
        # Told of the test that did it, and of no later one.
        before, made = made, made_by_migrate()
        assert made == before, "The test changed content types, permissions or roles."

    with patch.object(TransactionTestCase, "_fixture_teardown", tear_down):
        yield
