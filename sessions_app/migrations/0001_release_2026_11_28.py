"""The tables of the release of 2026-11-28."""

from uuid import uuid4

from django.db import migrations
from django.db.models import (
    CASCADE,
    PROTECT,
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    CheckConstraint,
    CompositePrimaryKey,
    DateTimeField,
    F,
    FloatField,
    ForeignKey,
    Index,
    IntegerField,
    JSONField,
    PositiveSmallIntegerField,
    Q,
    SmallIntegerField,
    TextField,
    UniqueConstraint,
    UUIDField,
    Value,
)

LIVE_STATUSES = ("created", "streaming", "finalizing")
STATUSES = [
    ("created", "Created"),
    ("streaming", "Streaming"),
    ("finalizing", "Finalizing"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]
OUTCOMES = [
    ("completed", "Completed"),
    ("max_duration", "Max Duration"),
    ("expired", "Expired"),
    ("abandoned", "Abandoned"),
    ("cancelled", "Cancelled"),
    ("suspended", "Suspended"),
    ("failed", "Failed"),
]
EVENT_TYPES = [
    ("shape_enter", "Shape Enter"),
    ("shape_exit", "Shape Exit"),
    ("event_completed", "Event Completed"),
    ("event_interrupted", "Event Interrupted"),
    ("feedback", "Feedback"),
]
LIVE, ENDED = Q(deadline_at__isnull=False), Q(deadline_at__isnull=True)
STATE = [F("status"), F("mode"), F("created_at").desc()]

# Room in each page for the next version of a session, and its engine state beside it, so that a
# checkpoint touches no index and no second table (figures in docs/benchmarks.md).
#
# The number of values that columns of the lists' indexes have is told instead of counted. Counted
# while one project or one state was there, another index passes for as good, and is read whole once
# there are more (tests/sessions_app/test_list.py).
STORAGE = """
ALTER TABLE detection_session
    SET (fillfactor = 70),
    ALTER COLUMN engine_state SET STORAGE MAIN,
    ALTER COLUMN project_id SET (n_distinct = 1000),
    ALTER COLUMN resolved_version_id SET (n_distinct = 1000),
    ALTER COLUMN status SET (n_distinct = 6),
    ALTER COLUMN mode SET (n_distinct = 2)
"""


def values(choices: list[tuple[str, str]]) -> list[str]:
    return [value for value, _ in choices]


def total_field(**options: str) -> BigIntegerField:
    """A column that the code before it need not insert."""
    return BigIntegerField(db_default=0, default=0, **options)


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("sessions_app", "0001_initial"),
        ("sessions_app", "0002_staff_permissions"),
        ("sessions_app", "0003_staff_lists"),
        ("sessions_app", "0004_runtime"),
        ("sessions_app", "0005_distinct_values"),
        ("sessions_app", "0006_forget_engine_states"),
        ("sessions_app", "0007_engine_version"),
        ("sessions_app", "0008_events_of_clocks"),
        ("sessions_app", "0009_event_counters"),
    ]
    dependencies = [
        ("movespecs", "0005_lists"),
        ("projects", "0006_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DetectionSession",
            fields=[
                ("id", UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "mode",
                    CharField(choices=[("live", "Live"), ("replay", "Replay")], max_length=10),
                ),
                ("contract_major", PositiveSmallIntegerField()),
                ("status", CharField(choices=STATUSES, max_length=10)),
                ("terminal_outcome", CharField(choices=OUTCOMES, max_length=12, null=True)),
                (
                    "finishing_outcome",
                    CharField(
                        choices=OUTCOMES,
                        help_text="While finalizing: the outcome that the session will complete with.",
                        max_length=12,
                        null=True,
                    ),
                ),
                ("error_code", CharField(max_length=64, null=True)),
                ("error_message", TextField(null=True)),
                ("accepted_frames_total", BigIntegerField(default=0)),
                ("created_at", DateTimeField()),
                ("started_at", DateTimeField(null=True)),
                ("ended_at", DateTimeField(null=True)),
                (
                    "deadline_at",
                    DateTimeField(
                        help_text="When the current status ends by itself; empty once terminal.",
                        null=True,
                    ),
                ),
                (
                    "longest_until",
                    DateTimeField(
                        help_text="When a session that streams has lasted the longest allowed.",
                        null=True,
                    ),
                ),
                (
                    "attachment_id",
                    UUIDField(
                        help_text="The fence: the runtime connection that holds the session.",
                        null=True,
                    ),
                ),
                ("lease_until", DateTimeField(null=True)),
                ("checkpoint_number", BigIntegerField(default=0)),
                ("engine_state", JSONField(null=True)),
                ("idempotency_key", CharField(max_length=255, null=True)),
                ("request_fingerprint", BinaryField(max_length=32, null=True)),
                ("signing_key_id", UUIDField()),
                ("runtime_token_expires_at", DateTimeField()),
                ("stream_url", TextField()),
                (
                    "project",
                    ForeignKey(
                        "projects.project", PROTECT, db_index=False, related_name="sessions"
                    ),
                ),
                (
                    "resolved_version",
                    ForeignKey(
                        "movespecs.movespecversion",
                        PROTECT,
                        db_index=False,
                        related_name="sessions",
                    ),
                ),
                ("events_total", total_field()),
                (
                    "last_batch_seq",
                    total_field(help_text="The highest that was received; 0: none yet."),
                ),
                (
                    "last_frame_seq",
                    total_field(help_text="Of the last accepted frame; 0: none yet."),
                ),
                ("rejected_frames_total", total_field()),
                (
                    "engine_version",
                    SmallIntegerField(
                        help_text="Of the engine that last stored its state, which only its like can read.",
                        null=True,
                    ),
                ),
                (
                    "is_state_unreadable",
                    BooleanField(
                        db_default=False,
                        default=False,
                        help_text="An engine of this version could not read it.",
                    ),
                ),
                (
                    "counted_events_total",
                    total_field(help_text="The events that these two count: all."),
                ),
                ("interrupted_total", total_field()),
                (
                    "repetitions",
                    JSONField(
                        db_default=Value({}, JSONField()),
                        default=dict,
                        help_text="How many repetitions were completed, by event_key.",
                    ),
                ),
            ],
            options={
                "db_table": "detection_session",
                "ordering": ["-created_at"],
                "permissions": [("cancel_detectionsession", "Can cancel detection session")],
                "indexes": [
                    Index(condition=LIVE, fields=["deadline_at"], name="session_deadline"),
                    Index(
                        condition=Q(request_fingerprint__isnull=False),
                        fields=["created_at"],
                        name="session_idempotency_age",
                    ),
                    Index(
                        F("project"), *STATE, condition=LIVE, name="session_live_of_project_state"
                    ),
                    Index(*STATE, name="session_of_state"),
                    Index(F("project"), *STATE, condition=ENDED, name="session_ended_of_project"),
                    Index(
                        F("resolved_version"),
                        *STATE,
                        condition=ENDED,
                        name="session_ended_of_version",
                    ),
                ],
                "constraints": [
                    CheckConstraint(
                        condition=Q(mode__in=["live", "replay"]), name="session_mode_known"
                    ),
                    CheckConstraint(
                        condition=Q(status__in=values(STATUSES)), name="session_status_known"
                    ),
                    CheckConstraint(
                        condition=Q(
                            Q(terminal_outcome__isnull=True)
                            | Q(terminal_outcome__in=values(OUTCOMES)),
                            Q(finishing_outcome__isnull=True)
                            | Q(finishing_outcome__in=["completed", "max_duration"]),
                        ),
                        name="session_outcomes_known",
                    ),
                    CheckConstraint(
                        condition=Q(
                            status__in=LIVE_STATUSES,
                            ended_at__isnull=True,
                            terminal_outcome__isnull=True,
                            deadline_at__isnull=False,
                        )
                        | Q(
                            ~Q(status__in=LIVE_STATUSES),
                            ended_at__isnull=False,
                            terminal_outcome__isnull=False,
                            deadline_at__isnull=True,
                            attachment_id__isnull=True,
                        ),
                        name="session_terminal_has_an_end",
                    ),
                    CheckConstraint(
                        condition=Q(idempotency_key__isnull=True, request_fingerprint__isnull=True)
                        | Q(idempotency_key__isnull=False, request_fingerprint__isnull=False),
                        name="session_idempotency_key_has_a_fingerprint",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            "detectionsession",
            Index(F("project"), F("created_at").desc(), name="session_of_project"),
        ),
        # After session_of_project: on an empty table both are equally cheap for the lookup of a
        # key, and among equals PostgreSQL takes the newest index.
        migrations.AddConstraint(
            "detectionsession",
            UniqueConstraint(
                condition=Q(idempotency_key__isnull=False),
                fields=("project", "idempotency_key"),
                name="session_idempotency_key_unique",
            ),
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="DetectionEvent",
            fields=[
                (
                    "pk",
                    CompositePrimaryKey(
                        "session_id",
                        "sequence",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("sequence", IntegerField()),
                (
                    "frame_seq",
                    BigIntegerField(help_text="Of the frame that decided it; 0: a clock did."),
                ),
                (
                    "ts_ms",
                    FloatField(help_text="When it was, in milliseconds of the frames' time."),
                ),
                ("type", CharField(choices=EVENT_TYPES, max_length=17)),
                ("payload", JSONField()),
                (
                    "session",
                    ForeignKey(
                        "sessions_app.detectionsession",
                        CASCADE,
                        db_index=False,
                        related_name="events",
                    ),
                ),
            ],
            options={
                "db_table": "detection_event",
                "default_permissions": (),
                "ordering": ["sequence"],
                "indexes": [Index(fields=["session", "frame_seq"], name="event_of_frame")],
                "constraints": [
                    CheckConstraint(
                        condition=Q(type__in=values(EVENT_TYPES)), name="event_type_known"
                    ),
                    CheckConstraint(condition=Q(sequence__gte=1), name="event_sequence_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SessionAttach",
            fields=[
                ("id", UUIDField(editable=False, primary_key=True, serialize=False)),
                ("runtime", CharField(help_text="The process, as host:pid.", max_length=128)),
                ("attached_at", DateTimeField()),
                (
                    "detached_at",
                    DateTimeField(
                        help_text="Empty: attached, or its runtime died without a word.", null=True
                    ),
                ),
                (
                    "close_code",
                    SmallIntegerField(help_text="What the socket was closed with.", null=True),
                ),
                (
                    "session",
                    ForeignKey(
                        "sessions_app.detectionsession",
                        CASCADE,
                        db_index=False,
                        related_name="attaches",
                    ),
                ),
            ],
            options={
                "db_table": "session_attach",
                "default_permissions": (),
                "ordering": ["attached_at"],
                "indexes": [Index(fields=["session", "attached_at"], name="attach_of_session")],
            },
        ),
    ]
