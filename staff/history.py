"""What staff did to a row, and to what it is made of."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Model, Q, QuerySet
from django.db.models.functions import Cast

from movespecs.models import MoveSpec


def history_of(row: Any) -> QuerySet[LogEntry]:
    """The newest first. A MoveSpec has one history with its versions, releases and draft."""
    subject = getattr(row, "movespec", row)
    about = Q(content_type=_content_type(subject), object_id=str(subject.pk))
    if isinstance(subject, MoveSpec):
        versions = subject.versions.order_by()
        ids = versions.annotate(text=Cast("id", CharField())).values("text")
        about |= Q(content_type=_content_type(versions.model), object_id__in=ids)
    return LogEntry.objects.filter(about).select_related("user").order_by("-action_time")


def _content_type(model: Model | type[Model]) -> ContentType:
    return ContentType.objects.get_for_model(model, for_concrete_model=False)
