from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('automation', '0002_tenant_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='serviceorder',
            name='extra',
            field=models.JSONField(null=True),
        ),
    ]
