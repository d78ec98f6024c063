"""The statistics that PostgreSQL plans by, renewed at once where much may have been written.

Autovacuum renews it within a minute. After either, what a connection has prepared is planned anew.
"""

from django.db import connection
from psycopg import sql

# Smaller ones are left alone: PostgreSQL takes a table that it never counted for ten pages, and
# reads it by its indexes. Counted while it is small, it would be read whole while it grows.
_LARGE = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace
    AND pg_relation_size(oid) >= 10 * current_setting('block_size')::int
"""


def analyze_large_tables() -> None:
    """ANALYZE each table of 80 kB or more that is this role's, unless somebody is at it."""
    with connection.cursor() as cursor:
        cursor.execute(_LARGE)
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.Identifier(name)))
