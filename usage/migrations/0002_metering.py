from django.db import migrations

from usage.metering import BACKWARDS, FORWARDS


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0001_initial"),
        ("sessions_app", "0010_release_0_3_0"),
        ("usage", "0001_usage"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
