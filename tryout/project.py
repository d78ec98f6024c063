"""The demo project of the page, with its organization and a service account."""

from datetime import datetime
from uuid import uuid5

from django.db import connection, transaction

from kynaplatform.api.errors import AuthorizationFailed
from movespecs.catalogue import NAMESPACE
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
# How long the second of two processes that make it at once waits for the first.
MAX_WAIT = "10s"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def demo_account(*, now: datetime) -> Credential:
    """The live service account, with its project, which are made where they are missing.

    Raises OrganizationSuspended, ProjectSuspended, and AuthorizationFailed once it was revoked.
    """
    account = _find() or _make()
    account.project.require_active()
    if not row_is_live(now, revoked_at=account.revoked_at, expires_at=account.expires_at):
        raise AuthorizationFailed("The service account of this page was revoked.")
    return account


def _find() -> Credential | None:
    """The account, unless earlier code has made its project without the bounds of a session."""
    accounts = Credential.objects.select_related("project__organization")
    bounded = accounts.exclude(project__session_seconds=None).exclude(project__session_events=None)
    return bounded.filter(id=ACCOUNT_ID).first()


@transaction.atomic
def _make() -> Credential:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{MAX_WAIT}'")
        cursor.execute(LOCK, [NAME])
    organization, _ = Organization.objects.get_or_create(
        id=ORGANIZATION_ID, defaults={"name": "kynaplatform", "rate_limit": READS_PER_MINUTE}
    )
    project, _ = Project.objects.get_or_create(
        id=PROJECT_ID,
        defaults={
            "name": NAME,
            "organization": organization,
            "rate_limit": READS_PER_MINUTE,
            "rate_limit_sessions": SESSIONS_PER_MINUTE,
        },
    )
    project.session_seconds = project.session_seconds or SESSION_SECONDS
    project.session_events = project.session_events or SESSION_EVENTS
    project.save(update_fields=["session_seconds", "session_events"])
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
