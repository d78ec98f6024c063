"""The search of the log: by a customer and what it owns, whatever it was called then."""

from functools import reduce
from heapq import nlargest
from itertools import takewhile
from operator import and_
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import ApiKey, Organization, Project, ServiceAccount
from staff.search_terms import ids_of, means_one_id, searched, words_of
from webhooks.models import WebhookEndpoint

# The models whose rows are searched as in their own lists, the newest of each.
SUBJECTS: tuple[type[Model], ...] = (
    Organization, Project, ApiKey, ServiceAccount, MoveSpec, WebhookEndpoint,
)  # fmt: skip
MAX_SUBJECTS = 500
MAX_ENTRIES = 1_000
# The newest entries whose texts are searched, for names that nothing has any more.
MAX_TEXTS = 50_000
HELP = (
    f"By customer, name, id, or who did it: the newest {MAX_ENTRIES:,} of each. "
    f"A name that was changed since is found in the newest {MAX_TEXTS:,} of all."
)


def log_searched(entries: QuerySet[LogEntry], text: str) -> QuerySet[LogEntry]:
    """The entries that match `text`: the newest of them, if many do."""
    if not text.strip():
        return entries
    people = User.objects.filter(username__iexact=text.strip()).values_list("pk", flat=True)
    ways = [Q(user_id=person) for person in people]
    if meant := ids_of(text):
        first, last = map(str, meant)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=True))
        ways.append(Q(object_id__startswith="".join(digit for digit, _ in same)))
    if not means_one_id(text) and (words := words_of(text)):
        newest = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        told = reduce(and_, [Q(object_repr__icontains=word) for word in words])
        ways.append(Q(pk__gt=newest - MAX_TEXTS) & told)
    # Each condition has its own index, and is read once: a list is counted as well as read.
    pks = entries.order_by().values_list("pk", flat=True)
    found = {pk for way in ways for pk in pks.filter(way).order_by("-pk")[:MAX_ENTRIES]}
    # Not sorted by the database, which would read the whole log backwards for a few.
    found.update(nlargest(MAX_ENTRIES, pks.filter(object_id__in=_subjects(text))))
    return entries.filter(pk__in=found)


def _subjects(text: str) -> list[str]:
    """The ids of the rows that match `text`, and of the versions of MoveSpecs that do."""
    found: dict[type[Model], list[Any]] = {
        model: _newest_ids(searched(model._default_manager.all(), text, _fields(model)))
        for model in SUBJECTS
    }
    versions = MoveSpecVersion.objects.filter(movespec__in=found[MoveSpec])
    return [str(pk) for ids in (*found.values(), _newest_ids(versions)) for pk in ids]


def _newest_ids(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-created_at").values_list("pk", flat=True)[:MAX_SUBJECTS])


def _fields(model: type[Model]) -> list[str]:
    return list(admin.site.get_model_admin(model).search_fields)
