from django.apps import AppConfig


class Portals(AppConfig):
    name = "innsync.portals"
