import django.core.validators
from django.db import migrations, models

import projects.models


class Migration(migrations.Migration):
    """The columns and permissions of release 0.3.0."""

    replaces = [
        ("projects", "0007_limits_of_sessions"),
        ("projects", "0008_erase_permissions"),
        ("projects", "0009_retention"),
    ]
    dependencies = [("projects", "0006_scopes")]

    operations = [
        migrations.AddField(
            model_name="accesstoken",
            name="session_id",
            field=models.UUIDField(
                help_text="The only session that it reads; empty: all of its project's.", null=True
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="session_events",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Events of a session after which only outcomes are kept; empty: the default.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="session_seconds",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Seconds that a session may stream, up to the default; empty: the default.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AlterModelOptions(
            name="organization",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("suspend_organization", "Can suspend and resume organization"),
                    ("erase_organization", "Can erase organization"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="project",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("suspend_project", "Can suspend and resume project"),
                    ("erase_project", "Can erase project"),
                ],
            },
        ),
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
