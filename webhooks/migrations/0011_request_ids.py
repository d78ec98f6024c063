import django.db.models.functions.comparison
from django.db import migrations, models
from django.db.models import Func, Value


class Migration(migrations.Migration):
    """The id of the request that caused a message: what inserts it leaves that to the default."""

    dependencies = [("webhooks", "0010_sender_state")]

    operations = [
        migrations.AddField(
            "webhookdelivery",
            "request_id",
            models.CharField(
                db_default=django.db.models.functions.comparison.NullIf(
                    Func(Value("kyna.request_id"), Value(True), function="current_setting"),
                    Value(""),
                ),
                help_text="Of the request that caused it.",
                max_length=128,
                null=True,
            ),
        ),
    ]
