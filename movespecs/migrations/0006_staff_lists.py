"""Indexes of the lists that staff read, each in its order."""

from django.db import migrations, models
from django.db.models import ExpressionWrapper, F, Q

from kynaplatform.database.indexes import AddIndexOnce

NEWEST = F("created_at").desc()


def whether(**condition: bool) -> ExpressionWrapper:
    return ExpressionWrapper(Q(**condition), models.BooleanField())


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("movespecs", "0005_lists")]

    operations = [
        AddIndexOnce(
            "movespec",
            models.Index(
                whether(archived_at__isnull=False),
                whether(current_released_version__isnull=True),
                NEWEST,
                name="movespec_in_use_first",
            ),
        ),
        AddIndexOnce("movespecversion", models.Index(NEWEST, name="movespec_version_newest")),
    ]
