"""Events are partitioned by the id of their session, which begins with its time.

The rows are copied beside the traffic, in batches with a transaction each. From the first moment
on a trigger repeats on the new table what others write to the old one; at the end both change their
names. Locks are held for a moment: what waits longer lets go, and `migrate` begins again where it
was. A migrate that was killed is run again, and goes on behind its last batch.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import migrations, models, transaction
from django.db.models import Q
from django.db.models.functions import Mod
from django.db.models.lookups import Exact

BATCH = 5_000
# For longer nobody is to wait behind a lock of this migration.
LOCK_TIMEOUT = "500ms"
# An autovacuum gives way to a lock that has waited for longer than deadlock_timeout, which is 1 s.
# It conflicts with the mode SHARE UPDATE EXCLUSIVE, behind which no reader or writer waits: so that
# is taken first, and keeps the next autovacuum away.
VACUUM_TIMEOUT = "2s"
WEEKS = 2
# Ids before 0012 are random: all but a few lie behind this one, which is of the year 2057. So what
# lies between the newest partition and it, and is searched for each new one, stays small.
RANDOM_FROM = "02800000-0000-0000-0000-000000000000"

_IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass('detection_event')"
_IS_BEGUN = "SELECT to_regclass('detection_event_new') IS NOT NULL"
_FOREIGN_KEY = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'detection_event'::regclass AND contype = 'f'
"""
_AWAIT_VACUUM = """
LOCK TABLE detection_session IN SHARE UPDATE EXCLUSIVE MODE;
LOCK TABLE detection_event IN SHARE UPDATE EXCLUSIVE MODE;
"""
# Sessions first, as whoever stores events does.
_LOCKS = """
LOCK TABLE detection_session IN {mode} MODE;
LOCK TABLE detection_event IN {mode} MODE;
"""
_BEGIN = f"""
CREATE TABLE detection_event_new (LIKE detection_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (session_id);
ALTER TABLE detection_event_new
    ADD CONSTRAINT detection_event_new_pkey PRIMARY KEY (session_id, sequence);
CREATE INDEX event_each_16th ON detection_event_new (session_id, frame_seq)
    WHERE mod(sequence, 16) = 0 OR frame_seq = 0;
CREATE TABLE detection_event_before PARTITION OF detection_event_new
    FOR VALUES FROM (MINVALUE) TO ('{{first}}');
CREATE TABLE detection_event_random PARTITION OF detection_event_new
    FOR VALUES FROM ('{RANDOM_FROM}') TO (MAXVALUE);
CREATE TABLE detection_event_other PARTITION OF detection_event_new DEFAULT;
CREATE TABLE detection_event_copied (session_id uuid NOT NULL, sequence integer NOT NULL);
INSERT INTO detection_event_copied VALUES ('00000000-0000-0000-0000-000000000000', 0);
"""  # noqa: S608
# A batch and a DELETE take turns, or the batch would bring back what was deleted. Nobody changes an
# event.
_MIRROR = """
CREATE FUNCTION detection_event_mirror() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO detection_event_new SELECT * FROM written ON CONFLICT DO NOTHING;
    ELSIF TG_WHEN = 'BEFORE' THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext('detection_event_new'));
    ELSE
        DELETE FROM detection_event_new AS event USING written
        WHERE event.session_id = written.session_id AND event.sequence = written.sequence;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mirror_insert AFTER INSERT ON detection_event REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION detection_event_mirror();
CREATE TRIGGER mirror_turn BEFORE DELETE ON detection_event
    FOR EACH STATEMENT EXECUTE FUNCTION detection_event_mirror();
CREATE TRIGGER mirror_delete AFTER DELETE ON detection_event REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION detection_event_mirror();
"""
_TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('detection_event_new'))"
_COPY = """
WITH batch AS MATERIALIZED (
    SELECT event.* FROM detection_event AS event, detection_event_copied AS copied
    WHERE (event.session_id, event.sequence) > (copied.session_id, copied.sequence)
    ORDER BY event.session_id, event.sequence LIMIT %s
), inserted AS (
    INSERT INTO detection_event_new SELECT * FROM batch ON CONFLICT DO NOTHING
)
UPDATE detection_event_copied SET (session_id, sequence) = (
    SELECT session_id, sequence FROM batch ORDER BY session_id DESC, sequence DESC LIMIT 1
)
WHERE EXISTS (SELECT FROM batch)
"""
_SWAP = """
DROP TABLE detection_event;
DROP FUNCTION detection_event_mirror();
DROP TABLE detection_event_copied;
ALTER TABLE detection_event_new RENAME TO detection_event;
ALTER INDEX detection_event_new_pkey RENAME TO detection_event_pkey;
"""
# Whoever deletes events may call these two, which are the owner's: a worker makes no table.
_FUNCTIONS = """
CREATE FUNCTION event_partition_make(partition text, first uuid, behind uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET lock_timeout = '200ms'
AS $$
BEGIN
    IF partition !~ '^detection_event_\\d{{4}}_\\d\\d_\\d\\d$' THEN
        RAISE EXCEPTION 'No name of a partition: %', partition;
    END IF;
    PERFORM set_config('lock_timeout', '{vacuum}', true);
    LOCK TABLE detection_session, detection_event_other IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '200ms', true);
    LOCK TABLE detection_session IN SHARE ROW EXCLUSIVE MODE;
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;  -- another worker has made it
    END IF;
    LOCK TABLE detection_event_other IN ACCESS EXCLUSIVE MODE;
    EXECUTE format(
        'CREATE TABLE %I (LIKE detection_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition
    );
    -- Those of sessions whose random ids lie there.
    EXECUTE format(
        'WITH moved AS (DELETE FROM detection_event_other WHERE session_id >= %L '
        'AND session_id < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        first, behind, partition
    );
    EXECUTE format(
        'ALTER TABLE detection_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition, first, behind
    );
END $$;
CREATE FUNCTION event_partition_drop(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET lock_timeout = '200ms'
AS $$
BEGIN
    IF partition !~ '^detection_event_\\d{{4}}_\\d\\d_\\d\\d$' THEN
        RAISE EXCEPTION 'No name of a partition: %', partition;
    END IF;
    PERFORM set_config('lock_timeout', '{vacuum}', true);
    LOCK TABLE detection_session IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(partition) IS NULL THEN
        RETURN;  -- another worker has dropped it
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', partition);
    PERFORM set_config('lock_timeout', '200ms', true);
    LOCK TABLE detection_session IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('DROP TABLE %I', partition);
END $$;
REVOKE EXECUTE ON FUNCTION event_partition_make(text, uuid, uuid), event_partition_drop(text)
    FROM PUBLIC;
"""
_UNDO = """
CREATE TABLE detection_event_new (LIKE detection_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO detection_event_new SELECT * FROM detection_event;
DROP TABLE detection_event;
ALTER TABLE detection_event_new RENAME TO detection_event;
ALTER TABLE detection_event ADD CONSTRAINT detection_event_pkey PRIMARY KEY (session_id, sequence);
CREATE INDEX event_of_frame ON detection_event (session_id, frame_seq);
DROP FUNCTION event_partition_make(text, uuid, uuid);
DROP FUNCTION event_partition_drop(text);
"""


def begin(apps: Any, editor: Any) -> None:
    """Make the table, and the trigger that repeats on it what others write."""
    with transaction.atomic(editor.connection.alias), editor.connection.cursor() as cursor:
        if _is(cursor, _IS_PARTITIONED) or _is(cursor, _IS_BEGUN):
            return
        _lock(cursor, "SHARE ROW EXCLUSIVE")
        cursor.execute(_FOREIGN_KEY)
        name, definition = cursor.fetchone()
        today = datetime.now(UTC).date()
        monday = today - timedelta(days=today.weekday())
        cursor.execute(_BEGIN.format(first=_first_id_of(monday)))
        for week in range(WEEKS):
            _make_week(cursor, monday + timedelta(weeks=week))
        cursor.execute(f'ALTER TABLE detection_event_new ADD CONSTRAINT "{name}" {definition}')
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
        cursor.execute(_MIRROR.format(schema=schema))
        cursor.execute(_FUNCTIONS.format(schema=schema, vacuum=VACUUM_TIMEOUT))


def copy(apps: Any, editor: Any) -> None:
    """Copy what was there before the trigger. What is copied twice is stored once."""
    with editor.connection.cursor() as cursor:
        if _is(cursor, _IS_PARTITIONED):
            return
        copied = 1
        while copied:
            with transaction.atomic(editor.connection.alias):
                cursor.execute(_TAKE_TURN)
                cursor.execute(_COPY, [BATCH])
                copied = cursor.rowcount


def swap(apps: Any, editor: Any) -> None:
    with transaction.atomic(editor.connection.alias), editor.connection.cursor() as cursor:
        if _is(cursor, _IS_PARTITIONED):
            return
        _lock(cursor, "ACCESS EXCLUSIVE")
        cursor.execute(_SWAP)


def undo(apps: Any, editor: Any) -> None:
    with transaction.atomic(editor.connection.alias), editor.connection.cursor() as cursor:
        _lock(cursor, "ACCESS EXCLUSIVE")
        cursor.execute(_FOREIGN_KEY)
        name, definition = cursor.fetchone()
        cursor.execute(_UNDO)
        cursor.execute(f'ALTER TABLE detection_event ADD CONSTRAINT "{name}" {definition}')


def _is(cursor: Any, question: str) -> bool:
    cursor.execute(question)
    found = cursor.fetchone()
    return bool(found and found[0])


def _lock(cursor: Any, mode: str) -> None:
    cursor.execute(f"SET LOCAL lock_timeout = '{VACUUM_TIMEOUT}'")
    cursor.execute(_AWAIT_VACUUM)
    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    cursor.execute(_LOCKS.format(mode=mode))


def _make_week(cursor: Any, monday: date) -> None:
    first, behind = _first_id_of(monday), _first_id_of(monday + timedelta(weeks=1))
    cursor.execute(
        f"CREATE TABLE detection_event_{monday:%Y_%m_%d} PARTITION OF detection_event_new "
        f"FOR VALUES FROM ('{first}') TO ('{behind}')"
    )


def _first_id_of(day: date) -> str:
    """The lowest UUIDv7 of a day."""
    milliseconds = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


class Migration(migrations.Migration):
    atomic = False
    replaces = [("sessions_app", "0021_partitioned_events")]
    dependencies = [("sessions_app", "0011_indexes")]

    operations = [
        migrations.RunPython(begin, undo),
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.RunPython(swap, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("detectionevent", "event_of_frame"),
                migrations.AddIndex(
                    "detectionevent",
                    models.Index(
                        fields=["session", "frame_seq"],
                        condition=Q(Exact(Mod("sequence", 16), 0)) | Q(frame_seq=0),
                        name="event_each_16th",
                    ),
                ),
            ]
        ),
    ]
