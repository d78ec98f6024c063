"""Indexes of GET /api/movespecs: what everybody finds, and what only its own project does."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

from kynaplatform.database.indexes import AddIndexOnce

NEWEST = F("created_at").desc()


def visibility(comparison: str) -> models.Func:
    template = f"%(expressions)s {comparison}"
    return models.Func(F("visibility"), template=template, output_field=models.BooleanField())


LISTED = Q(visibility("= 'public'"), delisted_at__isnull=True) & Q(archived_at__isnull=True)
LISTED_OF_PROJECT = Q(
    visibility("<> 'private'"), delisted_at__isnull=True, archived_at__isnull=True
)
UNLISTED_OF_PROJECT = Q(
    visibility("= 'private'") | Q(delisted_at__isnull=False), archived_at__isnull=True
)


def add(index: models.Index) -> AddIndexOnce:
    return AddIndexOnce("movespec", index)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("movespecs", "0004_withdrawal_immutable")]

    operations = [
        add(models.Index(NEWEST, condition=LISTED, name="movespec_listed")),
        # Holds archived and delisted ones, too; it serves until the narrower one is made.
        RemoveIndexConcurrently("movespec", "movespec_public"),
        add(
            models.Index(
                F("project"), NEWEST,
                condition=LISTED_OF_PROJECT, name="movespec_listed_of_project",
            )
        ),
        add(
            models.Index(
                F("project"), NEWEST,
                condition=UNLISTED_OF_PROJECT, name="movespec_unlisted_of_project",
            )
        ),
    ]  # fmt: skip
