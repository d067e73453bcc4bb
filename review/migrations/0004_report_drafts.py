import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from review import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("patients", "0003_signed_cases"),
        ("review", "0003_notice_mail"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # SQLite makes the table anew to change a column, and its triggers go with the old one.
        migrations.RunPython(remove, install),
        migrations.AlterModelOptions(
            name="report", options={"ordering": ["case", "version", "pk"]}
        ),
        migrations.AlterField(
            model_name="report",
            name="amends",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="amendments",
                to="review.report",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "returned"), _negated=True),
                fields=("amends",),
                name="report_amended_once",
            ),
        ),
        migrations.CreateModel(
            name="ReportDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("comment", models.TextField(blank=True, max_length=5000)),
                ("reason", models.TextField(blank=True, max_length=2000, verbose_name="reason for the amendment")),
                ("version", models.PositiveIntegerField(default=1)),
                ("edited_at", models.DateTimeField(auto_now=True)),
                ("case", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.case")),
                ("edited_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RunPython(install, remove),
    ]
