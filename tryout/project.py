"""The demo project of the page: its organization, a service account, a fork of each movement."""

from datetime import datetime
from threading import Event, Lock
from uuid import UUID, uuid5

from django.db import connection, transaction

from detection import validate
from kynaplatform.api.errors import AuthorizationFailed, HeldByAnother
from kynaplatform.api.operations import require_active
from movespecs.catalogue import (
    NAMESPACE,
    catalogue_id,
    catalogue_release,
    catalogue_slugs,
    catalogue_text,
)
from movespecs.models import MoveSpec, Visibility
from projects.credentials import credential_issue
from projects.models import Credential, CredentialKind, Organization, Project, Scope, row_is_live

# Ids of the page's rows are the same on every installation.
ORGANIZATION_ID = uuid5(NAMESPACE, "try/organization")
PROJECT_ID = uuid5(NAMESPACE, "try/project")
ACCOUNT_ID = uuid5(NAMESPACE, "try/service-account")
NAME = "Try page"
# Staff may lower it in the admin, at once and without a restart.
SESSIONS_PER_MINUTE = 60
# For all visitors together: one who reads without end must keep no other out.
READS_PER_MINUTE = 3_000
# A try is a few repetitions.
SESSION_SECONDS, SESSION_EVENTS = 600, 3_000
# How long the second of two processes that begin at once waits for the first.
MAX_WAIT = "10s"
# How long the other threads of a process wait: then they are free for the API.
MAX_WAIT_SECONDS = 1.0
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"

# Set once this process has made what was missing, and has followed the catalogue.
_is_prepared = Event()
_preparing = Lock()


def movespec_id(slug: str) -> UUID:
    """The id of the fork of a movement of the catalogue."""
    return uuid5(NAMESPACE, f"try/movespec/{slug}")


def demo_account(*, now: datetime) -> Credential:
    """The live service account, with its project, which are made where they are missing.

    Raises OrganizationSuspended, ProjectSuspended, AuthorizationFailed once it was revoked, and
    HeldByAnother while another thread makes them.
    """
    account = _known() or _prepare_alone(now)
    project = account.project
    require_active(
        organization_suspended=project.organization.suspended_at is not None,
        project_suspended=project.suspended_at is not None,
    )
    if not row_is_live(now, revoked_at=account.revoked_at, expires_at=account.expires_at):
        raise AuthorizationFailed("The service account of this page was revoked.")
    return account


def _known() -> Credential | None:
    return _find() if _is_prepared.is_set() else None


def _prepare_alone(now: datetime) -> Credential:
    """Prepare in one thread of the process at a time: it may wait long for another process."""
    if not _preparing.acquire(timeout=MAX_WAIT_SECONDS):
        raise HeldByAnother
    try:
        account = _known() or _prepare(now)
        _is_prepared.set()
        return account
    finally:
        _preparing.release()


def _prepare(now: datetime) -> Credential:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{MAX_WAIT}'")
            cursor.execute(LOCK, [NAME])
        organization, _ = Organization.objects.get_or_create(
            id=ORGANIZATION_ID, defaults={"name": "kynaplatform", "rate_limit": READS_PER_MINUTE}
        )
        project, _ = Project.objects.select_related("organization").get_or_create(
            id=PROJECT_ID,
            defaults={
                "name": NAME,
                "organization": organization,
                "rate_limit": READS_PER_MINUTE,
                "rate_limit_sessions": SESSIONS_PER_MINUTE,
            },
        )
        # Also of one that earlier code has made.
        project.session_seconds = project.session_seconds or SESSION_SECONDS
        project.session_events = project.session_events or SESSION_EVENTS
        project.save(update_fields=["session_seconds", "session_events"])
        _release_all(project, now)
        if (account := _find()) is None:
            # Its secret is thrown away: tokens are minted here alone.
            account, _ = credential_issue(
                project=project,
                kind=CredentialKind.SERVICE_ACCOUNT,
                name=NAME,
                scopes=[Scope.SESSIONS_READ],
                credential_id=ACCOUNT_ID,
            )
        return account


def _release_all(project: Project, now: datetime) -> None:
    """Release in each fork what the catalogue has released in the database, as staff decide.

    A fork without a catalogue is made with the text of this process, and keeps it: so two versions
    of the code do not overwrite each other's.
    """
    slugs = catalogue_slugs()
    ids = [id_ for slug in slugs for id_ in (catalogue_id(slug), movespec_id(slug))]
    found = MoveSpec.objects.select_related("current_released_version", "draft").in_bulk(ids)
    for slug in slugs:
        source, fork = found.get(catalogue_id(slug)), found.get(movespec_id(slug))
        known = catalogue_text(slug) if fork is None else fork.draft.yaml_source
        text = _released_text(source) or known
        if fork is None or text != known:
            catalogue_release(
                movespec_id=movespec_id(slug),
                project=project,
                visibility=Visibility.PRIVATE,
                forked_from=source,
                slug=slug,
                yaml_source=text,
                now=now,
            )


def _released_text(source: MoveSpec | None) -> str | None:
    """The released text; None also if only newer code can read it."""
    released = source.current_released_version if source else None
    if released is None or validate(released.yaml_source).spec is None:
        return None
    return released.yaml_source


def _find() -> Credential | None:
    accounts = Credential.objects.select_related("project__organization")
    return accounts.filter(id=ACCOUNT_ID).first()
