"""Versions and releases: snapshot a draft, point a MoveSpec at a version, withdraw one."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from detection import validate
from kynaplatform.api.errors import Conflict, sentence_of
from movespecs.drafts import movespec_lock, require_room_for_version
from movespecs.errors import MoveSpecInvalid, MoveSpecVersionWithdrawn
from movespecs.models import PLATFORM, Author, MoveSpec, MoveSpecDraft, MoveSpecVersion, Release

# A colleague's releases since a page was shown; of a client that releases all day, the first.
MAX_REPORTED = 10


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def version_create(
    *, movespec_id: UUID, author: Author, now: datetime
) -> tuple[MoveSpecVersion, bool]:
    """Snapshot the draft; returns the version and whether it is new.

    A draft that equals the latest version gives that version, unless it was withdrawn.
    Raises MoveSpecInvalid for YAML with errors, and LimitReached, but not for the platform's own
    catalogue.
    """
    with transaction.atomic():
        movespec = movespec_lock(movespec_id)
        yaml_source = MoveSpecDraft.objects.values_list("yaml_source", flat=True).get(
            movespec_id=movespec_id
        )
        require_valid(yaml_source)
        content_hash = hash_of(yaml_source)
        versions = MoveSpecVersion.objects.filter(movespec_id=movespec_id)
        latest = versions.order_by("-version_number").first()
        if (
            latest is not None
            and latest.content_hash == content_hash
            and latest.withdrawn_at is None
        ):
            return latest, False
        latest_number = 0 if latest is None else latest.version_number
        if author != PLATFORM:
            require_room_for_version(movespec, latest_number)
        version = MoveSpecVersion.objects.create(
            movespec_id=movespec_id,
            version_number=latest_number + 1,
            yaml_source=yaml_source,
            content_hash=content_hash,
            created_by=author.credential_id,
            created_at=now,
        )
    return version, True


def version_release(
    *,
    movespec_id: UUID,
    version_id: UUID,
    author: Author,
    now: datetime,
    reason: str = "",
    seen: int | None = None,
) -> MoveSpec:
    """Point the MoveSpec at one of its versions; the released one again records nothing.

    Raises MoveSpecArchived, MoveSpecVersionWithdrawn, MoveSpecInvalid, and Conflict when there is
    a newer release than the one with the id `seen`; 0: none had been made.
    """
    with transaction.atomic():
        movespec = movespec_lock(movespec_id)
        if seen is not None:
            require_unmoved(movespec, seen)
        version = _usable_version(movespec, version_id)
        require_valid(version.yaml_source)
        if movespec.current_released_version_id != version.id:
            _point_at(movespec, version, author, now, reason)
    return movespec


def version_withdraw(
    *,
    movespec_id: UUID,
    version_id: UUID,
    replacement_id: UUID | None,
    author: Author,
    now: datetime,
    reason: str = "",
    seen: int | None = None,
) -> MoveSpec:
    """Withdraw a version: no new session runs it. Running sessions go on.

    Withdrawing the released version releases `replacement_id` in its place, or nothing. Raises as
    version_release does; MoveSpecVersionWithdrawn also when the version itself was withdrawn.
    """
    with transaction.atomic():
        movespec = movespec_lock(movespec_id)
        if seen is not None:
            require_unmoved(movespec, seen)
        version = _usable_version(movespec, version_id)
        if replacement_id == version_id:
            raise Conflict("A version can't replace itself.")
        version.withdrawn_at = now
        version.withdrawn_by_staff_id = author.staff_id
        version.withdrawal_reason = reason
        version.save(update_fields=["withdrawn_at", "withdrawn_by_staff", "withdrawal_reason"])
        if movespec.current_released_version_id == version_id:
            replacement = None
            if replacement_id is not None:
                replacement = _usable_version(movespec, replacement_id)
                require_valid(replacement.yaml_source)
            _point_at(movespec, replacement, author, now, reason)
    return movespec


def require_valid(yaml_source: str) -> None:
    """Raise MoveSpecInvalid, with the first error and the number of errors."""
    errors = validate(yaml_source).errors
    if errors:
        first = errors[0]
        where = "" if first.line is None else f"Line {first.line}: "
        raise MoveSpecInvalid(
            sentence_of(MoveSpecInvalid.sentence, f"{where}{first.message}"),
            error_count=len(errors),
            first_error_code=first.code,
            first_error_message=first.message,
            first_error_line=first.line,
        )


def require_unmoved(movespec: MoveSpec, seen: int) -> None:
    """Raise Conflict, with a sentence for each release since the one with the id `seen`; 0: none.

    The same version released again is another release. It is certain under the MoveSpec's lock,
    under which releases get their ascending ids.
    """
    since = movespec.releases.filter(id__gt=seen).order_by("id")
    releases = since.select_related("from_version", "to_version", "released_by_staff").defer(
        "from_version__yaml_source", "to_version__yaml_source"
    )
    sentences = [_sentence(release) for release in releases[:MAX_REPORTED]]
    if not sentences:
        return
    if more := since.count() - len(sentences):
        sentences.append(f"{more} more, which the MoveSpec's page lists.")
    raise Conflict(f"Nothing was changed, for meanwhile {' Then '.join(sentences)}")


def _usable_version(movespec: MoveSpec, version_id: UUID) -> MoveSpecVersion:
    """One of its versions; raises MoveSpecVersionWithdrawn. Its lock is that of its MoveSpec."""
    version = movespec.versions.get(id=version_id)
    if version.withdrawn_at is not None:
        raise MoveSpecVersionWithdrawn
    return version


def _sentence(release: Release) -> str:
    staff = release.released_by_staff
    who = staff.get_username() if staff else "an API client"
    if release.to_version is not None:
        did = f"released version {release.to_version.version_number}"
    else:
        number = release.from_version and release.from_version.version_number
        did = f"withdrew the released version {number}"
    reason = f" Reason: {release.reason}" if release.reason else ""
    return f"{who} {did} at {release.created_at:%Y-%m-%d %H:%M:%S} UTC.{reason}"


def _point_at(
    movespec: MoveSpec, version: MoveSpecVersion | None, author: Author, now: datetime, reason: str
) -> None:
    Release.objects.create(
        movespec=movespec,
        from_version_id=movespec.current_released_version_id,
        to_version=version,
        released_by_credential=author.credential_id,
        released_by_staff_id=author.staff_id,
        reason=reason,
        created_at=now,
    )
    movespec.current_released_version = version
    movespec.updated_at = now
    movespec.save(update_fields=["current_released_version", "updated_at"])
