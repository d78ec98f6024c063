"""The pages of the admin: those of each registered model, and the others."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from sessions_app.attachments import session_attach
from sessions_app.checkpoints import Checkpoint
from sessions_app.models import SessionAttach
from staff.actions import StaffActionAdmin
from tests.admin.staffing import address
from tests.sessions_app.engine_work import Work, whole
from tests.sessions_app.storing import checkpoint_store

# Pages beside those that each registered model has: a name, and what gives the path.
PAGES: list[tuple[str, Callable[[], str]]] = [
    ("password change", lambda: reverse("admin:password_change")),
    ("index", lambda: reverse("admin:index")),
    ("password changed", lambda: reverse("admin:password_change_done")),
    (
        "password of another user",
        lambda: reverse("admin:auth_user_password_change", args=[User.objects.first().pk]),
    ),
    ("app index", lambda: reverse("admin:app_list", args=["movespecs"])),
    ("refused", lambda: reverse("admin:projects_apikey_changelist") + "?secret_hash__gt=a"),
    ("nothing found", lambda: reverse("admin:movespecs_movespec_changelist") + "?q=nothing"),
]


def pages(superuser: User) -> Iterator[tuple[str, str]]:
    """The name and path of every page that a superuser may open."""
    yield from ((name, path()) for name, path in PAGES)
    request = RequestFactory().get("/")
    request.user = superuser
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.first()
        assert row is not None, f"There is no {model._meta.label}"
        names: list[tuple[str, list[Any]]] = [("changelist", []), ("change", [row.pk])]
        names += [("history", [row.pk])]
        if model_admin.has_add_permission(request):
            names += [("add", [])]
        if model_admin.has_delete_permission(request, row):
            names += [("delete", [row.pk])]
        if isinstance(model_admin, StaffActionAdmin):
            names += [(action.name, [row.pk]) for action in model_admin.staff_actions]
        for name, arguments in names:
            yield f"{model._meta.label} {name}", address(model, name, *arguments)


def detect(
    session_id: UUID, work: Work | None = None, *, runtime: str = "host:1", client: str = ""
) -> None:
    """Attach to a session twice, and store a squat, or another `work`."""
    work = work or whole()
    now = timezone.now()
    for holder in (uuid4(), last := uuid4()):
        session_attach(
            SessionAttach(
                session_id=session_id, id=holder, runtime=runtime, attached_at=now, client=client
            ),
            now=now,
        )
    checkpoint = Checkpoint(
        session_id=session_id,
        attachment_id=last,
        number=1,
        packed_state=work.packed_state,
        accepted_frames=work.frames,
        rejected_frames=2,
        last_frame_seq=work.frames,
        last_batch_seq=1,
        last_message_at=now,
        events=work.events,
    )
    checkpoint_store(checkpoint, now=now)
