"""The history of a row: what staff and the command line did to it and to its parts."""

import json
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Organization, Project
from staff.names import full_name

# Before the reason of an entry. No name in the deed can hold it: a line break is none of a name's.
REASON = "\nReason: "
# In its place in the entries of earlier releases.
REASON_BEFORE = ". Reason: "


def history_of(row: Any) -> QuerySet[LogEntry]:
    """The entries about `row`, the newest first. A MoveSpec has one history with its versions."""
    subject = getattr(row, "movespec", row)
    kinds = [_content_type(subject)]
    ids: Any = [str(subject.pk)]
    if isinstance(subject, MoveSpec):
        kinds.append(_content_type(MoveSpecVersion))
        ids = _ids(MoveSpec.objects.filter(pk=subject.pk)).union(
            _ids(subject.versions.all()), all=True
        )
    entries = LogEntry.objects.filter(content_type__in=kinds, object_id__in=ids)
    return entries.select_related("user").order_by("-action_time")


def history_add(
    *, user_id: int, row: Model, message: Any, flag: int = CHANGE, reason: str | None = None
) -> LogEntry:
    """Write what a user did to `row`, and why. Django's own names no customer."""
    if reason or REASON_BEFORE in message:
        message = f"{message}{REASON}{reason or ''}"
    return entry_add(
        user_id=user_id,
        model=type(row),
        flag=flag,
        message=message,
        about=full_name(row),
        row_id=row.pk,
    )


def entry_add(
    *, user_id: int, model: type[Model], flag: int, message: Any, about: str, row_id: Any = None
) -> LogEntry:
    """Write what a user did to a row, or without `row_id` to the list."""
    return LogEntry.objects.create(
        user_id=user_id,
        content_type=_content_type(model),
        object_id=row_id,
        object_repr=about[:200],
        action_flag=flag,
        change_message=message if isinstance(message, str) else json.dumps(message),
    )


def told(entry: LogEntry) -> tuple[str, str]:
    """What was done, and the reason; that is empty where none was asked for."""
    message = entry.get_change_message()
    done, is_apart, reason = message.partition(REASON)
    if is_apart:
        return done, reason
    done, is_given, reason = message.partition(REASON_BEFORE)
    return (f"{done}.", reason) if is_given else (done, "")


def last_suspension(row: Organization | Project) -> LogEntry | None:
    """The entry about the suspension that `row` is under; None if staff did not suspend it."""
    actions = Q(change_message__startswith="Suspended ") | Q(change_message__startswith="Resumed ")
    last = history_of(row).filter(actions).first()
    return last if last and last.change_message.startswith("Suspended ") else None


def _ids(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The ids of `rows` as texts, as the log has them."""
    ids: QuerySet[Any] = rows.order_by().annotate(text=Cast("id", TextField())).values("text")
    return ids


def _content_type(model: Model | type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model, for_concrete_model=False)
