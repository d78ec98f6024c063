"""Staff who act in the admin: clients of each role, addresses, and the usual questions."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

ROLES = ("release managers", "support", "operators")
LEVELS = pytest.mark.parametrize("level", ["organization", "project"])
PROJECT_LIMITS = (
    "rate_limit", "rate_limit_sessions", "rate_limit_movespecs", "movespec_limit", "version_limit",
    "session_seconds", "session_events",
)  # fmt: skip


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(role: str, username: str = "") -> Client:
    """Somebody of one of the three roles, logged in."""
    user = User.objects.create_user(username or role.replace(" ", "-"), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return client_of(user)


def address(row: Model | type[Model], name: str = "change") -> str:
    """The page `name` of a row: change, history, or one of its actions; or of a model."""
    opts = row._meta
    args = [] if isinstance(row, type) else [row.pk]
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def limits(**given: Any) -> dict[str, Any]:
    """What the form of a project sends."""
    return dict.fromkeys(PROJECT_LIMITS, "") | given


def do(client: Client, row: Any, action: str, reason: str = "Unpaid") -> Any:
    return client.post(address(row, action), {"reason": reason}, follow=True)


def do_many(client: Client, rows: list[Any], action: str, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(address(type(rows[0]), "changelist"), chosen | more, follow=True)


def last_history(row: Any) -> tuple[str, str, str]:
    """By whom, of what, and what was done."""
    entry = LogEntry.objects.select_related("user").filter(object_id=str(row.pk)).first()
    assert entry is not None
    return entry.user.username, entry.object_repr, entry.get_change_message()
