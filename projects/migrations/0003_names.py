"""The rule of names, of which the database does not know."""

from django.db import migrations, models

from common.names import validate_name


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_staff_permissions")]

    operations = [
        migrations.AlterField(
            model_name=model,
            name="name",
            field=models.CharField(max_length=255, validators=[validate_name]),
        )
        for model in ("organization", "project", "credential")
    ]
