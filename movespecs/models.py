"""MoveSpecs, which say what to detect: their drafts, immutable versions and releases."""

import uuid
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, ExpressionWrapper, F, Func, Index, Q, UniqueConstraint
from django.utils import timezone

from common.names import MAX_NAME_CHARACTERS, visible
from projects.models import Project


@dataclass(frozen=True, slots=True)
class Author:
    credential_id: UUID | None = None
    staff_id: int | None = None


PLATFORM = Author()


class Visibility(models.TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


def _visibility(comparison: str) -> Func:
    """Written into the statement: a plan for any value could not prove the partial indexes."""
    template = f"%(expressions)s {comparison}"
    return Func(F("visibility"), template=template, output_field=models.BooleanField())


# Public and not delisted: what every project sees. A change of it is one of `public_sql` and of
# `MoveSpec.is_public` as well.
PUBLIC = Q(_visibility("= 'public'"), delisted_at__isnull=True)
# Released ones come first, archived ones last.
IN_USE_FIRST = [
    ExpressionWrapper(Q(archived_at__isnull=False), models.BooleanField()),
    ExpressionWrapper(Q(current_released_version__isnull=True), models.BooleanField()),
]
# What every project finds in lists.
LISTED = PUBLIC & Q(archived_at__isnull=True)
# The same for one project's, in words that do not prove the index of all: a plan that was made
# on an empty table would read that one.
LISTED_OF_PROJECT = Q(
    _visibility("<> 'private'"), delisted_at__isnull=True, archived_at__isnull=True
)
# What only its own project finds in lists.
UNLISTED_OF_PROJECT = Q(
    _visibility("= 'private'") | Q(delisted_at__isnull=False), archived_at__isnull=True
)


def public_sql(table: str) -> str:
    """PUBLIC in SQL, of the MoveSpec that is `table` there."""
    return f"({table}.visibility = 'public' AND {table}.delisted_at IS NULL)"


class MoveSpecQuerySet(models.QuerySet["MoveSpec"]):
    def public(self) -> Self:
        """The MoveSpecs that every project sees, as PUBLIC says."""
        return self.filter(PUBLIC)

    def visible_to(self, project_id: UUID | None) -> Self:
        """The MoveSpecs that `project_id` sees: its own and the public ones; of None the latter."""
        return (
            self.public() if project_id is None else self.filter(Q(project_id=project_id) | PUBLIC)
        )

    def with_answer(self) -> Self:
        """With all that an answer of the API shows, which is no text of a version."""
        released = ("current_released_version", "forked_from__current_released_version")
        texts = [f"{name}__yaml_source" for name in released]
        return self.select_related("project", *released).defer(*texts, "forked_from__description")


class MoveSpec(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="movespecs", db_index=False
    )
    name = models.CharField(max_length=MAX_NAME_CHARACTERS)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE
    )
    current_released_version = models.ForeignKey(
        "MoveSpecVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    forked_from = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="forks"
    )
    fork_idempotency_key = models.CharField(max_length=255, null=True, editable=False)  # noqa: DJ001
    fork_fingerprint = models.BinaryField(max_length=32, null=True)
    created_by = models.UUIDField(
        null=True, editable=False, help_text="The credential that created it; empty: staff."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    delisted_at = models.DateTimeField(null=True, blank=True)

    objects = MoveSpecQuerySet.as_manager()

    class Meta:
        verbose_name = "MoveSpec"
        ordering = ["-created_at"]
        permissions = [("moderate_movespec", "Can delist and relist MoveSpec")]
        indexes = [
            # Read by the admin's lists, and to count what a project has.
            Index(F("project"), F("created_at").desc(), name="movespec_of_project"),
            # Read by GET /api/movespecs, each in its order and with nothing to read past. Without
            # the id: planned on an empty table, they pass for the primary key.
            Index(F("created_at").desc(), condition=LISTED, name="movespec_listed"),
            Index(
                F("project"),
                F("created_at").desc(),
                condition=LISTED_OF_PROJECT,
                name="movespec_listed_of_project",
            ),
            Index(
                F("project"),
                F("created_at").desc(),
                condition=UNLISTED_OF_PROJECT,
                name="movespec_unlisted_of_project",
            ),
            # Read by staff's list of all, in its order.
            Index(*IN_USE_FIRST, F("created_at").desc(), name="movespec_in_use_first"),
        ]
        constraints = [
            CheckConstraint(
                name="movespec_visibility_known", condition=Q(visibility__in=Visibility.values)
            ),
            UniqueConstraint(
                fields=["project", "fork_idempotency_key"],
                condition=Q(fork_idempotency_key__isnull=False),
                name="movespec_fork_key_unique",
            ),
        ]

    def __str__(self) -> str:
        return visible(self.name)

    @property
    def is_public(self) -> bool:
        """PUBLIC of this row."""
        return self.visibility == Visibility.PUBLIC and self.delisted_at is None


class MoveSpecDraft(models.Model):
    """The mutable text of a MoveSpec: any text is kept, valid or not."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    movespec = models.OneToOneField(
        MoveSpec, on_delete=models.CASCADE, related_name="draft", verbose_name="MoveSpec"
    )
    yaml_source = models.TextField(blank=True, default="")
    updated_by = models.UUIDField(null=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "MoveSpec draft"
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return f"Draft of {self.movespec_id}"


class MoveSpecVersion(models.Model):
    """A numbered snapshot. The database refuses every change but the withdrawal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    movespec = models.ForeignKey(
        MoveSpec, on_delete=models.PROTECT, related_name="versions", verbose_name="MoveSpec"
    )
    version_number = models.PositiveIntegerField()
    yaml_source = models.TextField()
    content_hash = models.CharField(max_length=64)
    created_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by_staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    # With a default of the database: between migrate and restart the code before inserts, too.
    withdrawal_reason = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = "MoveSpec version"
        ordering = ["-created_at"]
        permissions = [
            ("release_movespecversion", "Can release and roll back MoveSpec version"),
            ("withdraw_movespecversion", "Can withdraw MoveSpec version"),
        ]
        constraints = [
            UniqueConstraint(
                fields=["movespec", "version_number"], name="movespec_version_number_unique"
            ),
            CheckConstraint(
                name="movespec_version_number_positive", condition=Q(version_number__gte=1)
            ),
        ]
        # Read by staff's list of all.
        indexes = [Index(F("created_at").desc(), name="movespec_version_newest")]

    def __str__(self) -> str:
        return f"Version {self.version_number} ({self.id})"


class Release(models.Model):
    """Append-only: who pointed a MoveSpec at another version, when, and why."""

    movespec = models.ForeignKey(
        MoveSpec, on_delete=models.PROTECT, related_name="releases", verbose_name="MoveSpec"
    )
    from_version = models.ForeignKey(
        MoveSpecVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    to_version = models.ForeignKey(
        MoveSpecVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    released_by_credential = models.UUIDField(null=True)
    released_by_staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            CheckConstraint(
                name="release_changes_something",
                condition=Q(from_version__isnull=True)
                | Q(to_version__isnull=True)
                | ~Q(from_version=F("to_version")),
            )
        ]

    def __str__(self) -> str:
        return f"Release {self.pk}"
