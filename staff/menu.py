"""The menu of the sidebar and the index, by what staff do rather than by Django's apps."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.urls import reverse

# A group's title, and its models as `app.model`, in their order.
GROUPS: Sequence[tuple[str, Sequence[str]]] = (
    ("Customers", ("projects.organization", "projects.project", "usage.usagemonth")),
    ("Credentials", ("projects.apikey", "projects.serviceaccount", "projects.accesstoken")),
    (
        "Movements",
        (
            "movespecs.movespec",
            "movespecs.movespecversion",
            "movespecs.release",
            "movespecs.movespecdraft",
        ),
    ),
    ("Sessions", ("sessions_app.detectionsession",)),
    ("Webhooks", ("webhooks.webhookendpoint", "webhooks.webhookdelivery")),
    ("Erasures", ("erasure.erasure",)),
    ("Platform", ("admin.logentry", "auth.user", "auth.group", "projects.signingkey")),
)


# The names that differ from Django's.
NAMES = {"admin.logentry": "Who did what"}


class Task(NamedTuple):
    """A task of staff: the permissions that it takes, and the page on which it begins."""

    label: str
    permission: str
    page: str
    also: Sequence[str] = ()


TASKS = (
    Task("Find a customer", "projects.view_organization", "projects_organization_changelist"),
    Task("See what customers used", "usage.view_usagemonth", "usage_usagemonth_changelist"),
    Task(
        "Onboard a customer",
        "projects.add_organization",
        "projects_organization_onboard",
        also=("projects.add_project", "projects.add_apikey"),
    ),
    Task("Issue an API key", "projects.add_apikey", "projects_project_changelist"),
    Task("Rotate or revoke a key", "projects.change_apikey", "projects_apikey_changelist"),
    Task("See a movement's versions", "movespecs.view_movespec", "movespecs_movespec_changelist"),
    Task(
        "Release, roll back or withdraw a version",
        "movespecs.release_movespecversion",
        "movespecs_movespecversion_changelist",
    ),
    Task(
        "See what a session counted",
        "sessions_app.view_detectionsession",
        "sessions_app_detectionsession_changelist",
    ),
    Task(
        "See why a webhook fails",
        "webhooks.view_webhookendpoint",
        "webhooks_webhookendpoint_changelist",
    ),
    Task("See who did what", "admin.view_logentry", "admin_logentry_changelist"),
)


def grouped(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The models of Django's `apps` in their GROUPS. A model of no group comes last."""
    models = {
        f"{app['app_label']}.{model['model'].__name__.lower()}": model
        for app in apps
        for model in app["models"]
    }
    for label, name in NAMES.items():
        if label in models:
            models[label] = {**models[label], "name": name}
    groups = [
        {"name": title, "models": [models.pop(label) for label in labels if label in models]}
        for title, labels in GROUPS
    ]
    groups.append({"name": "Other", "models": list(models.values())})
    return [group for group in groups if group["models"]]


def tasks_of(user: Any) -> list[tuple[str, str]]:
    """The label and address of each task that `user` may do."""
    return [
        (task.label, reverse(f"admin:{task.page}"))
        for task in TASKS
        if user.has_perms([task.permission, *task.also])
    ]
