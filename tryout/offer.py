"""Which movements the page offers: all but those that staff have archived."""

from functools import cache
from typing import Any

from kynaplatform.api.readiness import Inquiry
from movespecs.models import MoveSpec
from tryout.movements import movements, slugs
from tryout.project import movespec_id

ARCHIVED = "archived"


def offered() -> list[dict[str, Any]]:
    """Known from a second ago at most. All of them while the database does not answer."""
    archived = _inquiry().answers(_inquiry().begin())[ARCHIVED].split()
    return [movement for movement in movements() if movement["slug"] not in archived]


@cache
def _inquiry() -> Inquiry:
    """A database that says nothing keeps none of the threads that serve pages."""
    return Inquiry({ARCHIVED: _archived})


def _archived() -> str:
    """Their slugs, in one text."""
    of_id = {movespec_id(slug): slug for slug in slugs()}
    archived = MoveSpec.objects.filter(id__in=of_id, archived_at__isnull=False)
    return " ".join(of_id[id_] for id_ in archived.values_list("id", flat=True))
