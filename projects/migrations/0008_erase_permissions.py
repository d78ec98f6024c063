"""Who may erase a project or an organization."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0007_limits_of_sessions"),
    ]

    operations = [
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
    ]
