"""The app, and the roles that each migrate sets: groups of Django's permissions.

For another mix of permissions, make another group.
"""

from collections.abc import Callable
from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.apps.registry import Apps
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate

OURS = frozenset({"projects", "movespecs", "sessions_app", "webhooks", "usage", "erasure"})
# The log names credentials, and has nothing that works as one.
HISTORY = ("admin", "logentry")
CREDENTIALS = frozenset({"credential", "apikey", "serviceaccount", "accesstoken", "signingkey"})
# Only administrators erase a customer: superusers, or a group of its own.
ADMINISTRATING = frozenset({"erase_organization", "erase_project"})
RELEASING = frozenset({"release_movespecversion", "withdraw_movespecversion"})


def _reads(app: str, model: str, codename: str) -> bool:
    is_shown = app in OURS or (app, model) == HISTORY
    return is_shown and codename.startswith("view_")


def _releases(app: str, model: str, codename: str) -> bool:
    return codename in RELEASING or (_reads(app, model, codename) and model not in CREDENTIALS)


# Role → whether it has the permission of an app, a model and a codename.
ROLES: dict[str, Callable[[str, str, str], bool]] = {
    "release managers": _releases,
    "support": _reads,
    "operators": lambda app, model, codename: codename not in ADMINISTRATING,
}


def make_roles(*, app_config: AppConfig, using: str, apps: Apps = global_apps, **_: Any) -> None:
    """The receiver of post_migrate, before which an app's permissions do not exist.

    Each role gets its permissions of the app, and loses all others.
    """
    try:
        group_model: Any = apps.get_model("auth", "Group")
        permission_model: Any = apps.get_model("auth", "Permission")
    except LookupError:  # a migration to a point before auth's tables
        return
    permissions = list(
        permission_model.objects.using(using)
        .filter(content_type__app_label=app_config.label)
        .select_related("content_type")
    )
    for name, holds in ROLES.items():
        group, _made = group_model.objects.using(using).get_or_create(name=name)
        held = {
            permission
            for permission in permissions
            if holds(app_config.label, permission.content_type.model, permission.codename)
        }
        group.permissions.remove(*(one for one in permissions if one not in held))
        group.permissions.add(*held)


class StaffConfig(AppConfig):
    name = "staff"

    def ready(self) -> None:
        post_migrate.connect(make_roles, dispatch_uid="staff.apps")


class StaffAdminConfig(AdminConfig):
    """Django's admin, with our site as `admin.site`."""

    default_site = "staff.site.StaffSite"
