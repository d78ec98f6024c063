"""When what serves sessions was last alive, and when periodic work last ended."""

from django.db import models
from django.db.models import CheckConstraint, Q


class PlatformHeartbeat(models.Model):
    """One row: when a runtime or a worker was last alive, with the database (absences.py)."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    alive_at = models.DateTimeField()

    class Meta:
        db_table = "platform_heartbeat"
        default_permissions = ()
        constraints = [CheckConstraint(name="heartbeat_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.alive_at)


class LastRun(models.Model):
    """When the sweep, a task, the backup or the export of erasures last ended (last_runs.py)."""

    name = models.CharField(max_length=100, primary_key=True, editable=False)
    ended_at = models.DateTimeField()

    class Meta:
        db_table = "last_run"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} {self.ended_at}"
