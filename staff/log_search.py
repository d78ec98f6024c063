"""The log searched by customer: what was done to it and to what it owns, whatever it was called."""

from functools import reduce
from itertools import takewhile
from operator import and_
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import ApiKey, Organization, Project, ServiceAccount
from staff.searching import ids_of, means_one_id, searched, words_of

# Entries about these are found as the rows themselves are in their lists: the newest of each.
SUBJECTS: tuple[type[Model], ...] = (Organization, Project, ApiKey, ServiceAccount, MoveSpec)
MOST_SUBJECTS = 1_000
# The entries in which a text is sought, for names that nothing has any more.
MOST_TEXTS = 50_000
HELP = (
    "By customer, name, id, or who did it. A name that was changed since is found in the newest "
    f"{MOST_TEXTS:,} entries."
)


def log_searched(entries: QuerySet[LogEntry], text: str) -> QuerySet[LogEntry]:
    if not text.strip():
        return entries
    people = User.objects.filter(username__iexact=text.strip()).values_list("pk", flat=True)
    asked = Q(object_id__in=_subjects(text)) | Q(user_id__in=list(people))
    if meant := ids_of(text):
        first, last = map(str, meant)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=True))
        asked |= Q(object_id__startswith="".join(digit for digit, _ in same))
    if (words := words_of(text)) and not means_one_id(text):
        newest = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        told = reduce(and_, [Q(object_repr__icontains=word) for word in words])
        asked |= Q(pk__gt=newest - MOST_TEXTS) & told
    return entries.filter(asked)


def _subjects(text: str) -> list[str]:
    """The ids of what `text` finds, and of the versions of the MoveSpecs among it."""
    found: dict[type[Model], list[Any]] = {
        model: _newest_ids(searched(model._default_manager.all(), text, _fields(model)))
        for model in SUBJECTS
    }
    versions = MoveSpecVersion.objects.filter(movespec__in=found[MoveSpec])
    return [str(pk) for ids in (*found.values(), _newest_ids(versions)) for pk in ids]


def _newest_ids(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-created_at").values_list("pk", flat=True)[:MOST_SUBJECTS])


def _fields(model: type[Model]) -> list[str]:
    return list(admin.site.get_model_admin(model).search_fields)
