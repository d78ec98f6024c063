"""The movements that the page lists: those of the catalogue that staff have not archived."""

from functools import cache
from typing import Any

from kynaplatform.metrics.readiness import Inquiry
from movespecs.models import MoveSpec
from tryout.movements import movements, slugs
from tryout.project import movespec_id

ARCHIVED = "archived"


def listed_movements() -> list[dict[str, Any]]:
    """The movements as of a second ago at most. All of them while the database does not answer."""
    archived = _inquiry().answers(_inquiry().begin())[ARCHIVED].split()
    return [movement for movement in movements() if movement["slug"] not in archived]


@cache
def _inquiry() -> Inquiry:
    """A thread that asks the database, so that a silent one holds no thread that serves pages."""
    return Inquiry({ARCHIVED: _archived_slugs})


def _archived_slugs() -> str:
    """The slugs of the archived movements, separated by spaces: an inquiry answers with a text."""
    of_id = {movespec_id(slug): slug for slug in slugs()}
    archived = MoveSpec.objects.filter(id__in=of_id, archived_at__isnull=False)
    return " ".join(of_id[id_] for id_ in archived.values_list("id", flat=True))
