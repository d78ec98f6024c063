"""Organizations, projects, the credentials of machines with their scopes, and signing keys."""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import CheckConstraint, F, Index, Q
from django.dispatch import Signal
from django.utils import timezone

from common.names import MAX_NAME_CHARACTERS, validate_name, visible
from kynaplatform.api.operations import require_active
from kynaplatform.checks import MAX_RETENTION_DAYS, MIN_RETENTION_DAYS


class Scope(models.TextChoices):
    MOVESPECS_READ = "movespecs:read"
    MOVESPECS_WRITE = "movespecs:write"
    PROJECTS_READ = "projects:read"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    USAGE_READ = "usage:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    DATA_ERASE = "data:erase"


ALL_SCOPES = frozenset(Scope.values)
# Of a new credential, by default. What is erased can't be restored.
DEFAULT_SCOPES = ALL_SCOPES - {Scope.DATA_ERASE.value}
# Older clients ask for projects:read in order to read a session.
_SESSION_READERS = frozenset({Scope.SESSIONS_READ.value, Scope.PROJECTS_READ.value})


def granted_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """All that `scopes` allow: projects:read and sessions:read grant each other."""
    granted = frozenset(scopes)
    return granted | _SESSION_READERS if granted & _SESSION_READERS else granted


def _limit(counted: str, name: str | None = None) -> "models.PositiveIntegerField[Any, int | None]":
    """At least 1, or the default of the settings."""
    return models.PositiveIntegerField(
        name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=f"{counted}; empty: the default.",
    )


def validate_retention(days: int) -> None:
    """An organization's retention may not exceed the platform's. Raises ValidationError."""
    most = settings.RETENTION_DAYS
    if most is not None and days > most:
        raise ValidationError(f"Ensure this value is at most {most}, the default.")
    if days > MAX_RETENTION_DAYS:
        raise ValidationError(f"Ensure this value is at most {MAX_RETENTION_DAYS}.")


MAX_ADDRESSES, MAX_ADDRESS_CHARACTERS = 20, 500
# A browser runs or reads what is behind these.
_UNSAFE_SCHEMES = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript"}
)


# A policy of the browser has the lines as they are, so they have no character that ends one there.
# A browser leaves out the usual port of an origin.
_ORIGIN = re.compile(
    r"(https://[a-z0-9.-]+(?!:443\Z)|http://(localhost|127\.0\.0\.1)(?!:80\Z))(:[0-9]{1,5})?"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^?#]+")


def validate_origins(text: str) -> None:
    """Each line an https origin, or an http one of this machine. Raises ValidationError."""
    for line in _lines(text):
        if not _ORIGIN.fullmatch(line):
            raise ValidationError(f"{line} is no origin such as https://app.example.")


def validate_return_addresses(text: str) -> None:
    """Each line an absolute address without query or fragment. Raises ValidationError."""
    for line in _lines(text):
        scheme = line.partition(":")[0]
        if not _ADDRESS.fullmatch(line) or scheme in _UNSAFE_SCHEMES:
            raise ValidationError(f"{line} is no address such as https://app.example/done.")


def _lines(text: str) -> list[str]:
    lines = text.split()
    if len(lines) > MAX_ADDRESSES or any(len(line) > MAX_ADDRESS_CHARACTERS for line in lines):
        raise ValidationError(
            f"Write at most {MAX_ADDRESSES} of at most {MAX_ADDRESS_CHARACTERS} characters each."
        )
    if not text.isascii():
        raise ValidationError("Write a name of other letters as its punycode, xn--….")
    return lines


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_NAME_CHARACTERS, validators=[validate_name])
    suspended_at = models.DateTimeField(null=True, blank=True)
    rate_limit = _limit("Requests per minute of all its projects together")
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_RETENTION_DAYS), validate_retention],
        help_text="Days after its end that a session is kept; empty: the default.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        permissions = [
            ("suspend_organization", "Can suspend and resume organization"),
            ("erase_organization", "Can erase organization"),
        ]

    def __str__(self) -> str:
        return visible(self.name)


_OPTIONAL_TEXT: Any = {"blank": True, "default": "", "db_default": ""}


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="projects"
    )
    name = models.CharField(max_length=MAX_NAME_CHARACTERS, validators=[validate_name])
    suspended_at = models.DateTimeField(null=True, blank=True)
    rate_limit = _limit("Requests per minute")
    rate_limit_sessions = _limit("Session creations per minute")
    rate_limit_movespecs = _limit("Requests to MoveSpecs per minute")
    movespec_limit = _limit("MoveSpecs that it may have, archived ones included", "MoveSpec limit")
    version_limit = _limit("Versions that each MoveSpec may have")
    live_sessions = _limit("Sessions that may be live at once")
    session_seconds = _limit("Seconds that a session may stream, up to the default")
    session_events = _limit("Events of a session after which only outcomes are kept")
    page_name = models.CharField(
        "name",
        max_length=MAX_NAME_CHARACTERS,
        **_OPTIONAL_TEXT,
        validators=[validate_name],
        help_text="Shown on the session page; empty: none.",
    )
    page_color = models.CharField(
        "colour",
        max_length=7,
        **_OPTIONAL_TEXT,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", "Write it as #rrggbb.")],
        help_text="Of its buttons, as #rrggbb; empty: the platform's.",
    )
    page_frames = models.TextField(
        "may be framed by",
        **_OPTIONAL_TEXT,
        validators=[validate_origins],
        help_text="Origins, one a line, such as https://app.example; empty: nobody.",
    )
    page_returns = models.TextField(
        "returns to",
        **_OPTIONAL_TEXT,
        validators=[validate_return_addresses],
        help_text="Addresses, one a line, without query, such as https://app.example/done or "
        "myapp://done; empty: it returns nowhere.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        permissions = [
            ("suspend_project", "Can suspend and resume project"),
            ("erase_project", "Can erase project"),
        ]

    def __str__(self) -> str:
        """`Organization / Project`: many customers name their projects alike."""
        return f"{self.organization} / {visible(self.name)}"

    def require_active(self) -> None:
        """Raise OrganizationSuspended, or else ProjectSuspended."""
        require_active(
            organization_suspended=self.organization.suspended_at is not None,
            project_suspended=self.suspended_at is not None,
        )


# Sent with `now`, inside the transaction that suspends: sessions_app ends live sessions.
suspended = Signal()


def suspend(target: Organization | Project, *, now: datetime) -> bool:
    """Suspend a project, or an organization with all its projects; whether this changed it."""
    with transaction.atomic():
        active = type(target)._default_manager.filter(pk=target.pk, suspended_at__isnull=True)
        is_changed = active.update(suspended_at=now) > 0
        if is_changed:
            suspended.send(sender=type(target), now=now)
    return is_changed


def resume(target: Organization | Project) -> bool:
    """Admit requests again; whether this changed it. What was cancelled stays cancelled."""
    idle = type(target)._default_manager.filter(pk=target.pk, suspended_at__isnull=False)
    return idle.update(suspended_at=None) > 0


class CredentialKind(models.TextChoices):
    API_KEY = "api_key", "API key"
    SERVICE_ACCOUNT = "service_account", "service account"


def all_scopes() -> list[str]:
    return sorted(ALL_SCOPES)


class Credential(models.Model):
    """What a machine mints access tokens with; only a keyed hash of its secret is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=20, choices=CredentialKind.choices, editable=False)
    name = models.CharField(max_length=MAX_NAME_CHARACTERS, validators=[validate_name])
    secret_hash = models.BinaryField(max_length=32)
    pepper_number = models.PositiveSmallIntegerField()
    # Only the code knows their names: a new scope needs no migration.
    scopes = ArrayField(models.CharField(max_length=32), default=all_scopes)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="successors"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            CheckConstraint(
                name="credential_kind_known", condition=Q(kind__in=CredentialKind.values)
            )
        ]

    def __str__(self) -> str:
        return f"{visible(self.name)} ({self.id})"


def is_live(now: datetime) -> Q:
    """Matches live credentials: neither revoked nor expired."""
    return Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def row_is_live(now: datetime, *, revoked_at: datetime | None, expires_at: datetime | None) -> bool:
    """`is_live` of columns that have been read."""
    return revoked_at is None and (expires_at is None or expires_at > now)


class KindManager(models.Manager[Any]):
    def __init__(self, kind: CredentialKind) -> None:
        super().__init__()
        self._kind = kind

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(kind=self._kind)


class ApiKey(Credential):
    objects = KindManager(CredentialKind.API_KEY)  # type: ignore[misc]

    class Meta:
        proxy = True
        verbose_name = "API key"


class ServiceAccount(Credential):
    objects = KindManager(CredentialKind.SERVICE_ACCOUNT)  # type: ignore[misc]

    class Meta:
        proxy = True


class AccessToken(models.Model):
    """The record of a minted token by its `jti`, to list and revoke; never the token itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="access_tokens", db_index=False
    )
    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="access_tokens"
    )
    scopes = ArrayField(models.CharField(max_length=32))
    session_id = models.UUIDField(
        null=True, help_text="The only session that it reads; empty: all of its project's."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            # Read by GET /api/auth/access-tokens.
            # Without the id: planned on an empty table, it would look like the primary key.
            Index(F("project"), F("created_at").desc(), name="token_of_project"),
            # Read by prune_access_tokens.
            Index(fields=["expires_at"], name="token_expiry"),
        ]
        constraints = [
            CheckConstraint(
                name="access_token_expires_after_creation",
                condition=Q(expires_at__gt=F("created_at")),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class SigningKey(models.Model):
    """An Ed25519 key of the platform's tokens.

    The active key is the latest whose `signs_from` has passed; earlier ones are retired. Every
    process decides this by the clock.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    public_key = models.BinaryField(max_length=32)
    encrypted_private_key = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    signs_from = models.DateTimeField(unique=True)

    class Meta:
        ordering = ["-signs_from"]

    def __str__(self) -> str:
        return str(self.id)
