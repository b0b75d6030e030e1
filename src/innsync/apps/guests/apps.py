from django.apps import AppConfig


class GuestsConfig(AppConfig):
    name = "innsync.apps.guests"
    label = "guests"
    default_auto_field = "django.db.models.BigAutoField"
