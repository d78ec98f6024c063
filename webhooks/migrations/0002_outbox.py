from django.db import migrations

from webhooks.triggers import BACKWARDS, FORWARDS


class Migration(migrations.Migration):
    dependencies = [
        ("movespecs", "0005_lists"),
        ("sessions_app", "0010_release_0_3_0"),
        ("webhooks", "0001_endpoints_and_deliveries"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
