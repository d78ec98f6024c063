"""What a test does to the database's other connections."""

from django.db import connection


def end_others() -> None:
    """End every other connection to the test's database, as a restart of it would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
