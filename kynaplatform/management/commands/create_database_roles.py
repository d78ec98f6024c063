import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connection, transaction
from psycopg import sql

from common.commands import OperatorCommand
from kynaplatform.database.session_settings import KINDS, MIGRATE, WORKER, session_settings

PASSWORD_BYTES = 24
# What every kind of process does. Tables are made by the owner, which migrates.
GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
)


# Partitions are made and dropped by functions of the owner's.
GRANT_PARTITIONS = (
    "GRANT EXECUTE ON FUNCTION event_partition_make(text, uuid, uuid), event_partition_drop(text)"
    " TO {role}"
)


class Command(OperatorCommand):
    help = (
        "Make a database role for each kind of process, with its time-outs, which a pooler keeps. "
        "Answers the DATABASE_URL of each; a password is shown once, when its role is made. The "
        "role that runs this owns the tables, may make roles, and is the one to migrate with. Safe "
        "to repeat, as after an upgrade."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--new-passwords", action="store_true", help="give the roles that there are new ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database()")
            owner, database = cursor.fetchone()
            passwords = {
                kind: _make(cursor, f"{owner}_{kind}", is_new_wanted=options["new_passwords"])
                for kind in KINDS
                if kind != MIGRATE
            }
            for kind in KINDS:
                role = owner if kind == MIGRATE else f"{owner}_{kind}"
                _hold(cursor, role, database, session_settings(kind))
        self.print_result(
            {
                kind: _url(f"{owner}_{kind}", password) if password else "made before"
                for kind, password in passwords.items()
            },
            options,
        )


def _make(cursor: Any, role: str, *, is_new_wanted: bool) -> str | None:
    """Make the role where it isn't there, and let it use the tables; its password if it is new."""
    name = sql.Identifier(role)
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    is_there = bool(cursor.rowcount)
    if not is_there:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    for grant in (*GRANTS, GRANT_PARTITIONS) if role.endswith(f"_{WORKER}") else GRANTS:
        cursor.execute(sql.SQL(grant).format(role=name))
    if is_there and not is_new_wanted:
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    # Hashed here: the statement may be logged.
    hashed = connection.connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(hashed.decode())))
    return password


def _hold(cursor: Any, role: str, database: str, held_to: Mapping[str, str]) -> None:
    """The role has these settings in the database, and no others, such as an older version's."""
    alter = sql.SQL("ALTER ROLE {} IN DATABASE {} ").format(
        sql.Identifier(role), sql.Identifier(database)
    )
    cursor.execute(alter + sql.SQL("RESET ALL"))
    for name, value in held_to.items():
        cursor.execute(alter + sql.SQL("SET {} = {}").format(sql.SQL(name), sql.Literal(value)))


def _url(role: str, password: str) -> str:
    """DATABASE_URL with another role."""
    parts = urlsplit(str(settings.DATABASE_URL))
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{password}@{where}"))
