from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual


class Migration(migrations.Migration):
    """What a receiver caused is short: it was as long as the receiver made it."""

    dependencies = [("webhooks", "0004_deletions_wait")]

    operations = [
        migrations.RunSQL(
            """
            UPDATE webhook_delivery
            SET failure = left(failure, 500), response_body = left(response_body, 1024)
            WHERE length(failure) > 500 OR length(response_body) > 1024
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            "webhookdelivery",
            models.CheckConstraint(
                condition=models.Q(LessThanOrEqual(Length("failure"), 500))
                & models.Q(LessThanOrEqual(Length("response_body"), 1024)),
                name="delivery_answer_bounded",
            ),
        ),
    ]
