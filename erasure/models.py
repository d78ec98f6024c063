"""Erasures, and the ledger of what must not come back with an older backup.

Ids here are no foreign keys: they outlive the person, project or customer.
"""

import hashlib
from uuid import UUID

from django.db import models
from django.db.models import CheckConstraint, Index, Q
from uuid_utils.compat import uuid7


class Kind(models.TextChoices):
    SUBJECT = "subject"
    PROJECT = "project"
    ORGANIZATION = "organization"


class Erasure(models.Model):
    """A request to erase a subject, a project or an organization; tasks.py runs it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    organization_id = models.UUIDField()
    project_id = models.UUIDField(null=True, help_text="Empty: the whole organization.")
    subject = models.CharField(  # noqa: DJ001
        max_length=128, null=True, help_text="The person's id, until all of it is erased."
    )
    subject_digest = models.CharField(  # noqa: DJ001
        max_length=64, null=True, help_text="By which the ledger finds it in an older backup."
    )
    requested_at = models.DateTimeField(help_text="What was created after it stays.")
    ended_at = models.DateTimeField(null=True)
    sessions = models.BigIntegerField(
        default=0, help_text="How many sessions it has erased so far."
    )
    exported_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "erasure"
        default_permissions = ("view",)
        ordering = ["-requested_at"]
        indexes = [
            # Read by the worker, by pages of who is being erased, and by the trigger of versions.
            Index(
                fields=["requested_at"], condition=Q(ended_at__isnull=True), name="erasure_pending"
            ),
            # Read by export_erasures.
            Index(fields=["id"], condition=Q(exported_at__isnull=True), name="erasure_unexported"),
            # Read by the admin's list, and by the pruning.
            Index(fields=["-requested_at"], name="erasure_newest"),
        ]
        constraints = [
            CheckConstraint(name="erasure_kind_known", condition=Q(kind__in=Kind.values)),
            CheckConstraint(
                name="erasure_names_what_it_erases",
                condition=Q(kind=Kind.ORGANIZATION, project_id__isnull=True)
                | Q(kind=Kind.PROJECT, project_id__isnull=False)
                | Q(kind=Kind.SUBJECT, project_id__isnull=False, subject_digest__isnull=False),
            ),
            CheckConstraint(
                name="erasure_forgets_the_subject",
                condition=Q(subject__isnull=True) | Q(kind=Kind.SUBJECT, ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class ErasedSession(models.Model):
    """A session that was erased, by its id alone."""

    id = models.UUIDField(primary_key=True, editable=False)
    erased_at = models.DateTimeField()
    exported_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "erased_session"
        default_permissions = ()
        indexes = [
            # Read by export_erasures.
            Index(
                fields=["id"],
                condition=Q(exported_at__isnull=True),
                name="erased_session_unexported",
            ),
            # Read by the pruning.
            Index(fields=["erased_at"], name="erased_session_age"),
        ]

    def __str__(self) -> str:
        return str(self.id)


def digest_of(erasure_id: UUID, subject: str) -> str:
    """The ledger's stand-in for a subject, different for each erasure."""
    return hashlib.sha256(f"{erasure_id} {subject}".encode()).hexdigest()
