"""The full name of a row, `Organization / Project / name`, so that no customer is mistaken."""

from functools import reduce
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP

from movespecs.models import MoveSpec, MoveSpecDraft, MoveSpecVersion, Release
from projects.models import AccessToken, Credential, Project
from sessions_app.models import DetectionSession
from webhooks.models import WebhookDelivery, WebhookEndpoint

# The path from each model that has a table to its project.
PROJECT_OF: dict[type[Model], str] = {
    Credential: "project",
    AccessToken: "project",
    MoveSpec: "project",
    MoveSpecDraft: "movespec__project",
    MoveSpecVersion: "movespec__project",
    Release: "movespec__project",
    DetectionSession: "project",
    WebhookEndpoint: "project",
    WebhookDelivery: "endpoint__project",
}


def with_customer(rows: QuerySet[Any]) -> QuerySet[Any]:
    """`rows` with the projects and organizations that their full names need."""
    if rows.model is Project:
        return rows.select_related("organization")
    path = _project_path(rows.model)
    return rows.select_related(f"{path}__organization") if path else rows


def project_of(row: Any) -> Project | None:
    path = _project_path(type(row))
    return reduce(getattr, path.split(LOOKUP_SEP), row) if path else None


def full_name(row: Any) -> str:
    """The name of `row` after the names of all its owners."""
    project = project_of(row)
    if project is None:
        return str(row)
    above = [row.movespec] if hasattr(row, "movespec") else []
    return " / ".join(map(str, [project, *above, row]))


def _project_path(model: type[Model]) -> str | None:
    return PROJECT_OF.get(model._meta.concrete_model or model)
