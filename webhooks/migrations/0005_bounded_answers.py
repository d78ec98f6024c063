from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual


class Migration(migrations.Migration):
    """What a receiver caused is short: it was as long as the receiver made it."""

    dependencies = [("webhooks", "0004_deletions_wait")]

    operations = [
        migrations.AddConstraint(
            "webhookdelivery",
            models.CheckConstraint(
                condition=models.Q(LessThanOrEqual(Length("failure"), 500))
                & models.Q(LessThanOrEqual(Length("response_body"), 1024)),
                name="delivery_answer_bounded",
            ),
        ),
    ]
