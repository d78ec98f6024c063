import django.core.validators
from django.db import migrations, models

import projects.models


class Migration(migrations.Migration):
    dependencies = [("projects", "0008_erase_permissions")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Days after its end that a session is kept; empty: the default.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(2),
                    projects.models.validate_retention,
                ],
            ),
        ),
    ]
