"""The tables know no names of scopes any more: a new one changes no constraint of theirs."""

import django.contrib.postgres.fields
from django.db import migrations, models

import projects.models


class Migration(migrations.Migration):
    dependencies = [("projects", "0005_successors")]

    operations = [
        migrations.RemoveConstraint(model_name="accesstoken", name="access_token_scopes_known"),
        migrations.RemoveConstraint(model_name="credential", name="credential_scopes_known"),
        migrations.AlterField(
            model_name="accesstoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), size=None
            ),
        ),
        migrations.AlterField(
            model_name="credential",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32),
                default=projects.models.all_scopes,
                size=None,
            ),
        ),
    ]
