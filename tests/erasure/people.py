"""Sessions of people: with events, an attach, and what was told of them."""

from datetime import datetime
from uuid import UUID

from erasure.erasures import subject_erase
from kynaplatform import clock
from projects.models import Project
from sessions_app.models import DetectionEvent, DetectionSession, SessionAttach
from tests.sessions_app.engine_work import whole
from tests.sessions_app.lifecycle_scene import Scene

ANNA, BEN = "p_anna_4711", "p_ben_4712"


def created(scene: Scene, subject: str | None, seconds: float = 0) -> UUID:
    metadata = {"ward": f"knee of {subject}"} if subject else None
    return scene.created(seconds, subject=subject, metadata=metadata)


def streaming(scene: Scene, subject: str | None, seconds: float = 0) -> tuple[UUID, UUID]:
    session_id = created(scene, subject, seconds)
    attachment_id = scene.attach(session_id, seconds)
    scene.checkpoint(session_id, attachment_id, 1, seconds + 1, work=whole())
    return session_id, attachment_id


def counted(scene: Scene, subject: str | None, seconds: float = 0) -> UUID:
    """A completed session."""
    session_id, attachment_id = streaming(scene, subject, seconds)
    scene.finalize(session_id, seconds + 2)
    scene.finish(session_id, attachment_id, seconds + 3)
    return session_id


def left() -> set[UUID]:
    """The sessions that have a row anywhere."""
    ids = {*DetectionSession.objects.values_list("id", flat=True)}
    for model in (DetectionEvent, SessionAttach):
        ids |= {*model.objects.values_list("session_id", flat=True)}
    return ids


def ask_to_erase(project: Project, subject: str = ANNA, now: datetime | None = None) -> int:
    """A person's erasure, which is pending."""
    return subject_erase(
        organization_id=project.organization_id,
        project_id=project.id,
        subject=subject,
        now=now or clock.now(),
    )
