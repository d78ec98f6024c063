"""Staff who act in the admin: clients of each role, addresses, and the usual questions."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

ROLES = ("release managers", "support", "operators")


def member(role: str, username: str = "") -> Client:
    """Somebody of one of the three roles, logged in."""
    user = User.objects.create_user(username or role.replace(" ", "-"), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def address(row: Model | type[Model], name: str = "change") -> str:
    """The page `name` of a row: change, history, or one of its actions; or of a model."""
    opts = row._meta
    args = [] if isinstance(row, type) else [row.pk]
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text
