"""The search of the list of sessions: by an id, by the names of whose they are and what ran, or by
what its customer has called a person or noted."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Project
from sessions_app.context import fault_of_subject
from sessions_app.models import DetectionSession
from sessions_app.notes import ids_with_note
from sessions_app.session_filters import AnyOf
from staff.search_terms import ids_of, means_one_id, searched, words_of

# Of what a name finds, the newest count. Each is a place in an index of sessions that a page reads.
MAX_PROJECTS = MAX_MOVESPECS = MAX_VERSIONS = 100
HELP = (
    "By the name of a customer, a project or a MoveSpec, of each the newest "
    f"{MAX_PROJECTS}; or by the id of a session, a project, a MoveSpec or one of its versions. "
    "What no name has is sought as a whole subject, or a whole text of the metadata; subject:p_1 "
    "and metadata:north are sought as nothing else."
)
SUBJECT, NOTE = "subject:", "metadata:"
# The filters of what is the customer's own.
LABELS = frozenset({"subject", "note"})
OF_PROJECT = ["name", "=id", "organization__name", "=organization__id"]
OF_MOVESPEC = ["name", "=id", "project__name", "project__organization__name"]


def sought(text: str) -> dict[str, Any]:
    """The `SessionFilters` that `text` means; empty if it finds nothing.

    An id is a version's, a project's, or the first digits of a session's. Raises Refused if the
    words are too many.
    """
    if text.startswith((SUBJECT, NOTE)):
        return labelled(text)
    if meant := ids_of(text):
        if means_one_id(text) and (owned := _of_one_id(meant[0])):
            return owned
        if DetectionSession.objects.filter(id__range=meant).exists():
            return {"ids": meant}
    any_of = AnyOf(_projects(text), _versions(text))
    return {"any_of": any_of} if any(any_of) else labelled(text)


def labelled(text: str) -> dict[str, Any]:
    """The same of a subject, else of a note."""
    if text.startswith(SUBJECT):
        return _of_subject(text.removeprefix(SUBJECT).strip())
    if text.startswith(NOTE):
        return _of_note(text.removeprefix(NOTE).strip())
    return _of_subject(text) or _of_note(text)


def _of_subject(text: str) -> dict[str, Any]:
    """In several projects these are several people. The newest projects count."""
    if fault_of_subject(text):
        return {}
    theirs = DetectionSession.objects.filter(subject=text, project_id=OuterRef("pk"))
    projects = Project.objects.filter(Exists(theirs)).order_by("-created_at")
    ids = list(projects.values_list("pk", flat=True)[:MAX_PROJECTS])
    return {"subject": text, "any_of": AnyOf(ids, [])} if ids else {}


def _of_note(text: str) -> dict[str, Any]:
    found = ids_with_note(text) if text else []
    return {} if found == [] else {"note": text}


def _of_one_id(row_id: Any) -> dict[str, Any]:
    versions = MoveSpecVersion.objects.filter(id=row_id)
    if version := versions.values_list("movespec__project_id").first():
        return {"version_id": row_id, "project_id": version[0]}
    return {"project_id": row_id} if Project.objects.filter(id=row_id).exists() else {}


def _projects(text: str) -> list[Any]:
    found = searched(Project.objects.all(), text, OF_PROJECT).order_by("-created_at")
    return list(found.values_list("pk", flat=True)[:MAX_PROJECTS])


def _versions(text: str) -> list[Any]:
    """The versions of the MoveSpecs that are called so: by their owners' names alone none is."""
    called = searched(MoveSpec.objects.all(), text, OF_MOVESPEC)
    if ids_of(text) is None:
        called = called.filter(reduce(or_, (Q(name__icontains=one) for one in words_of(text)), Q()))
    movespecs = called.order_by("-created_at").values_list("pk", flat=True)[:MAX_MOVESPECS]
    versions = MoveSpecVersion.objects.filter(movespec__in=list(movespecs)).order_by("-created_at")
    return list(versions.values_list("pk", flat=True)[:MAX_VERSIONS])
