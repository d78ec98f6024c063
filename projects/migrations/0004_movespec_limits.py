"""A project's own limits of what it keeps.

They have no default: between migrate and restart the code before inserts without them.
"""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0003_names")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="movespec_limit",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="MoveSpecs that it may have, archived ones included; empty: the default.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="MoveSpec limit",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="version_limit",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Versions that each MoveSpec may have; empty: the default.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
    ]
