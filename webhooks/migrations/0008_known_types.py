from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from the one before, whose locks nobody waits for while the table is read."""

    dependencies = [("webhooks", "0007_batches_of_deletions")]

    operations = [ValidateConstraint("webhookdelivery", "delivery_type_known")]
