"""The notes of sessions: the texts of their metadata, and the search for a whole one of them."""

import json
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.fields.json import DataContains

from sessions_app.models import Notes

# The sessions that a note finds by the index. One that more have is met in a list's own order.
MAX_WITH_A_NOTE: Final = 1_000
# An index of this kind gives all of its rows at once. Where they are more than this, PostgreSQL
# gives about so many, by chance.
_MAX_OF_INDEX: Final = 5 * MAX_WITH_A_NOTE
# A part of the statement is planned as if all of its rows were read: else a limit of so many would
# seem met soonest by reading the whole table.
_STATEMENT = """
WITH ended AS MATERIALIZED (
    SELECT id FROM detection_session
    WHERE deadline_at IS NULL AND metadata IS NOT NULL
        AND jsonb_path_query_array(metadata, '$.*') @> %(note)s::jsonb
),
live AS MATERIALIZED (
    SELECT id FROM detection_session
    WHERE deadline_at IS NOT NULL AND metadata IS NOT NULL
        AND jsonb_path_query_array(metadata, '$.*') @> %(note)s::jsonb
)
SELECT id FROM (SELECT id FROM ended UNION ALL SELECT id FROM live) AS found LIMIT %(most)s
"""


def has_note(note: str) -> Q:
    """The condition that a whole text of the metadata is this."""
    return Q(DataContains(Notes(F("metadata")), [note]))


def ids_with_note(note: str) -> list[UUID] | None:
    """The sessions that have this note; None where they are more than MAX_WITH_A_NOTE."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('gin_fuzzy_search_limit', %s, TRUE)", [str(_MAX_OF_INDEX)]
        )
        cursor.execute(_STATEMENT, {"note": json.dumps([note]), "most": MAX_WITH_A_NOTE + 1})
        found = [id_ for (id_,) in cursor.fetchall()]
    return found if len(found) <= MAX_WITH_A_NOTE else None
