"""Forks: another project's public MoveSpec, or one's own, as a new MoveSpec of one's own."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from kynaplatform.api.errors import IdempotencyKeyReused, get_or_404
from kynaplatform.api.idempotency import Fingerprints
from movespecs.drafts import movespec_create
from movespecs.errors import LimitReached, MoveSpecArchived, MoveSpecNotReleased
from movespecs.models import Author, MoveSpec
from movespecs.releases import version_create, version_release
from movespecs.schemas import MoveSpecFork

FIELDS = ("source_id", "project_id", "name", "description")
FINGERPRINTS = Fingerprints(FIELDS, (*FIELDS, "release"))


def movespec_fork(
    *,
    source_id: UUID,
    project_id: UUID,
    body: MoveSpecFork,
    idempotency_key: str | None,
    author: Author,
    now: datetime,
) -> tuple[MoveSpec, bool]:
    """A MoveSpec whose draft is the source's released YAML; and whether it was made before.

    An absent name or description is the source's. With `release` the text is released as version 1
    as well, or nothing is made. Raises IdempotencyKeyReused, NotFound, MoveSpecArchived,
    MoveSpecNotReleased, LimitReached, and with `release` MoveSpecInvalid.
    """
    request = {
        "source_id": source_id,
        "project_id": project_id,
        "name": body.name,
        "description": body.description,
        "release": body.release or None,
    }
    if earlier := _made_with(project_id, idempotency_key, request):
        return earlier, True
    visible_ones = MoveSpec.objects.visible_to(project_id)
    with_text = visible_ones.select_related("current_released_version")
    source = get_or_404(with_text, source_id, "movespec")
    if source.archived_at is not None:
        raise MoveSpecArchived
    if source.current_released_version is None:
        raise MoveSpecNotReleased
    try:
        with transaction.atomic():
            fork = movespec_create(
                project_id=project_id,
                name=source.name if body.name is None else body.name,
                description=(source.description if body.description is None else body.description),
                author=author,
                now=now,
                yaml_source=source.current_released_version.yaml_source,
                forked_from=source,
                fork_idempotency_key=idempotency_key,
                fork_fingerprint=None if idempotency_key is None else FINGERPRINTS.of(request),
            )
            if body.release:
                version, _ = version_create(movespec_id=fork.id, author=author, now=now)
                fork = version_release(
                    movespec_id=fork.id,
                    version_id=version.id,
                    author=author,
                    now=now,
                    reason="Released with the fork.",
                )
    except (IntegrityError, LimitReached):
        # Another request with this key may have been faster, and taken the last place.
        if earlier := _made_with(project_id, idempotency_key, request):
            return earlier, True
        raise
    return fork, False


def _made_with(project_id: UUID, key: str | None, request: Mapping[str, object]) -> MoveSpec | None:
    if key is None:
        return None
    fork = MoveSpec.objects.filter(project_id=project_id, fork_idempotency_key=key).first()
    if fork is not None and not FINGERPRINTS.is_of(bytes(fork.fork_fingerprint or b""), request):
        raise IdempotencyKeyReused
    return fork
