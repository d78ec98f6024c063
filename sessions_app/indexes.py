"""The indexes of the table of sessions, each with its readers."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models import F, Func, Index, JSONField, Q


class Notes(Func):
    """The texts of a session's metadata, as an array."""

    template = "jsonb_path_query_array(%(expressions)s, '$.*')"
    output_field = JSONField()


_LIVE, _ENDED = Q(deadline_at__isnull=False), Q(deadline_at__isnull=True)
_NEWEST = F("created_at").desc()
_OF_PROJECT = (F("project"), F("status"), F("mode"), _NEWEST)

INDEXES_OF_SESSIONS = [
    # Read by the sweep, and by counts of live sessions. A comparison with the deadline proves this
    # index in any plan, a list of statuses does not.
    Index(fields=["deadline_at"], condition=_LIVE, name="session_deadline"),
    # Read by suspended_sessions_cancel, and by lists within a project, one status and mode at a
    # time.
    Index(*_OF_PROJECT, condition=_LIVE, name="session_live_of_project_state"),
    # Read by lists within a project without a status or mode. It has no id: planned on an empty
    # table, it would then pass for the primary key.
    Index(F("project"), _NEWEST, name="session_of_project"),
    # Read by lists of a subject.
    Index(
        F("subject"),
        F("project"),
        _NEWEST,
        condition=Q(subject__isnull=False),
        name="session_of_subject",
    ),
    # Read by the admin's lists, one status and mode at a time, and by its chart of the last day. A
    # create writes none of the others: they have ended sessions only.
    Index(F("status"), F("mode"), _NEWEST, name="session_of_state"),
    Index(*_OF_PROJECT, condition=_ENDED, name="session_ended_of_project"),
    Index(
        F("resolved_version"), *_OF_PROJECT[1:], condition=_ENDED, name="session_ended_of_version"
    ),
    # Read by retention. A session is in it from its end until its events are deleted.
    Index(
        fields=["project", "ended_at"],
        condition=Q(ended_at__isnull=False, events_left_at__isnull=True),
        name="session_with_events",
    ),
    # Read by the admin's list of what a credential created.
    Index(
        F("created_by"),
        _NEWEST,
        condition=Q(created_by__isnull=False, deadline_at__isnull=True),
        name="session_ended_of_credential",
    ),
    # Read by forget_idempotency_keys and may_replay. Admission asks for the key instead: planned on
    # an empty table, it would read this index whole.
    Index(
        fields=["created_at"],
        condition=Q(request_fingerprint__isnull=False),
        name="session_idempotency_age",
    ),
    # Read by the search of a note. With live sessions each checkpoint would write it.
    GinIndex(
        OpClass(Notes(F("metadata")), name="jsonb_path_ops"),
        condition=Q(metadata__isnull=False, deadline_at__isnull=True),
        name="session_of_note",
    ),
    # Read by the heartbeat of each process that can read states. It is nearly empty.
    Index(
        fields=["unreadable_since"],
        condition=Q(unreadable_since__isnull=False, deadline_at__isnull=False),
        name="session_unreadable",
    ),
]
