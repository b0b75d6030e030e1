"""Where the portals' addresses lead."""

from __future__ import annotations

from django.urls import include, path

from innsync.portals import signing, static_files

urlpatterns = [
    path("", include("innsync.portals.account.urls")),
    path("organization", signing.choose_organization, name="choose-organization"),
    path("static/<path:path>", static_files.serve, name="static"),
    path("", include("innsync.portals.admin.urls")),
]
