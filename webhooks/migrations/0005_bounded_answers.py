"""What a receiver caused is short: a failure and an answer's body were as long as it made them."""

from typing import Any

from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

BOUNDED = "length(failure) <= 500 AND length(response_body) <= 1024"
# A thousand rows are read at a time, and those that are too long are cut.
CUT = f"""
WITH slice AS (
    SELECT id FROM webhook_delivery WHERE id > %s::uuid ORDER BY id LIMIT 1000
),
cut AS (
    UPDATE webhook_delivery AS delivery
    SET failure = left(failure, 500), response_body = left(response_body, 1024)
    FROM slice
    WHERE delivery.id = slice.id AND NOT ({BOUNDED})
)
SELECT id FROM slice ORDER BY id DESC LIMIT 1
"""  # noqa: S608
# Once more does no harm: a migration that was killed is run again.
ADD = f"""
ALTER TABLE webhook_delivery
DROP CONSTRAINT IF EXISTS delivery_answer_bounded,
ADD CONSTRAINT delivery_answer_bounded CHECK ({BOUNDED}) NOT VALID
"""


def cut(apps: Any, editor: Any) -> None:
    row: tuple[Any] | None = ("00000000-0000-0000-0000-000000000000",)
    with editor.connection.cursor() as cursor:
        while row is not None:
            cursor.execute(CUT, row)
            row = cursor.fetchone()


class Migration(migrations.Migration):
    # A slice at a time, and no lock on the table while its rows are looked at.
    atomic = False
    dependencies = [("webhooks", "0004_deletions_wait")]

    operations = [
        migrations.RunPython(cut, migrations.RunPython.noop),
        migrations.RunSQL(
            ADD,
            "ALTER TABLE webhook_delivery DROP CONSTRAINT delivery_answer_bounded",
            state_operations=[
                migrations.AddConstraint(
                    model_name="webhookdelivery",
                    constraint=models.CheckConstraint(
                        condition=models.Q(LessThanOrEqual(Length("failure"), 500))
                        & models.Q(LessThanOrEqual(Length("response_body"), 1024)),
                        name="delivery_answer_bounded",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE webhook_delivery VALIDATE CONSTRAINT delivery_answer_bounded",
            migrations.RunSQL.noop,
        ),
    ]
