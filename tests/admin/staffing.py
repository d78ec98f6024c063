"""Staff who act in the admin: clients of each role, addresses, and the usual questions."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

ROLES = ("release managers", "support", "operators")
LEVELS = pytest.mark.parametrize("level", ["organization", "project"])
PROJECT_LIMITS = (
    "rate_limit", "rate_limit_sessions", "rate_limit_movespecs", "movespec_limit", "version_limit",
    "live_sessions", "session_seconds", "session_events",
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


def address(row: Model | type[Model], name: str = "change", *args: Any) -> str:
    """The page `name` of a row: change, history, or one of its actions; or of a model."""
    opts = row._meta
    args = args if isinstance(row, type) else (row.pk,)
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def limits(**given: Any) -> dict[str, Any]:
    """What the form of a project sends."""
    return dict.fromkeys(PROJECT_LIMITS, "") | given


def shown_on(client: Client, row: Model) -> dict[str, Any]:
    """What the page of a row sends if nothing is changed on it, its hidden fields included."""
    return sent_by(client.get(address(row)))


def sent_by(page: Any) -> dict[str, Any]:
    fields = _Fields()
    fields.feed(text_of(page))
    return fields.sent


class _Fields(HTMLParser):
    """The fields of a page's form, as a browser sends them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self._select = given.get("name") or ""
        name = self._select if tag == "option" else given.get("name")
        is_sent = {
            "option": "selected" in given,
            "input": given.get("type") != "checkbox" or "checked" in given,
        }
        if name and not name.startswith("_") and is_sent.get(tag):
            value = given.get("value") or ("on" if given.get("type") == "checkbox" else "")
            self.sent.setdefault(name, []).append(value.replace("\n", "\r\n"))


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


def note_about(
    row: Model, message: str, *, name: str = "As it was", flag: int = CHANGE, by: str = "ulf"
) -> LogEntry:
    """An entry about a row that `by` wrote."""
    user, _ = User.objects.get_or_create(username=by)
    kind = ContentType.objects.get_for_model(row, for_concrete_model=False)
    return LogEntry.objects.create(
        user=user, content_type=kind, object_id=str(row.pk), object_repr=name, action_flag=flag,
        change_message=message,
    )  # fmt: skip


def words(response: Any) -> str:
    """The text of a page, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text_of(response))).split())


def queries_of(client: Client, row: Any, **asked: str) -> int:
    """How many statements a page of a row, or at an address, takes once it was made before."""
    page = row if isinstance(row, str) else address(row)
    client.get(page, asked)
    with CaptureQueriesContext(connection) as queries:
        client.get(page, asked)
    return len(queries)
