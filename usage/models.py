"""Usage: a row for each ended session, and sums by project and day.

The trigger of usage/metering.py inserts a session's row in the transaction that
ends it. `rollup.py` adds the rows to the sums and deletes them, so that no session id stays.

Ids here are no foreign keys: sums outlive erased projects.
"""

from django.db import models
from django.db.models import CompositePrimaryKey, Index


class MeteredSession(models.Model):
    """An ended session's usage, until it is rolled up."""

    session_id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    project_id = models.UUIDField()
    ended_on = models.DateField(help_text="The day of UTC.")
    accepted_frames = models.BigIntegerField()
    active_ms = models.BigIntegerField(
        help_text="The frame time between its accepted frames, gaps over 2 s left out."
    )
    is_live = models.BooleanField(help_text="It was of a person before a camera.")

    class Meta:
        db_table = "usage_session"
        default_permissions = ()
        # Read by `usage_of_project`.
        indexes = [Index(fields=["project_id", "ended_on"], name="usage_session_of_project")]

    def __str__(self) -> str:
        return str(self.session_id)


class UsageDay(models.Model):
    """The sums of a project's sessions that ended on a UTC day."""

    pk = CompositePrimaryKey("project_id", "day")
    project_id = models.UUIDField()
    day = models.DateField()
    organization_id = models.UUIDField()
    sessions = models.BigIntegerField()
    accepted_frames = models.BigIntegerField()
    active_ms = models.BigIntegerField()
    live_frames = models.BigIntegerField()

    class Meta:
        db_table = "usage_day"
        default_permissions = ()
        # Read by a customer's months. The index of all months is in metering.py: Django can't
        # express what the view groups by.
        indexes = [Index(fields=["organization_id"], name="usage_of_organization")]

    def __str__(self) -> str:
        return f"{self.day} of {self.project_id}"


class UsageBackfill(models.Model):
    """Its one row exists while sessions that ended before metering are still to be added.

    Until then nothing is rolled up, so that no session is added twice.
    """

    after = models.UUIDField(null=True, help_text="Ids up to this one are done.")

    class Meta:
        db_table = "usage_backfill"
        default_permissions = ()

    def __str__(self) -> str:
        return f"after {self.after}"


class UsageMonth(models.Model):
    """A view of an organization's sums by month, up to now."""

    id = models.TextField(primary_key=True)
    month = models.DateField(help_text="Its first day.")
    organization_id = models.UUIDField()
    sessions = models.BigIntegerField()
    accepted_frames = models.BigIntegerField()
    live_frames = models.BigIntegerField()
    active_ms = models.BigIntegerField()

    class Meta:
        db_table = "usage_month"
        managed = False
        default_permissions = ("view",)
        ordering = ["-month", "organization_id"]
        verbose_name = "usage of a month"
        verbose_name_plural = "usage by month"

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"
