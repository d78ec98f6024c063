"""Which credential another one replaces.

Empty for those that were rotated before, and for what the code before inserts.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0004_movespec_limits")]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="replaces",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successors",
                to="projects.credential",
            ),
        ),
    ]
