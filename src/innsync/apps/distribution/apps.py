from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "innsync.apps.distribution"
    label = "distribution"
    default_auto_field = "django.db.models.BigAutoField"
