from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_outbox")]

    operations = [
        migrations.AlterModelOptions(
            name="webhookdelivery",
            options={
                "default_permissions": ("view",),
                "ordering": ["-created_at"],
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="webhookendpoint",
            options={"default_permissions": ("view", "change"), "ordering": ["-created_at"]},
        ),
    ]
