"""Where the portals' addresses lead."""

from __future__ import annotations

from django.urls import include, path

from innsync.portals import live, photos, signing, static_files, widget

urlpatterns = [
    path("", include("innsync.portals.account.urls")),
    path("organization", signing.choose_organization, name="choose-organization"),
    path("ws/events", live.admission, name="events-socket"),
    path("static/<path:path>", static_files.serve, name="static"),
    path("widget/v<int:major>.js", widget.newest, name="widget"),
    path("widget/<str:version>.js", widget.pinned, name="widget-pinned"),
    path("photos/<slug:key>/<int:width>.jpg", photos.serve, name="photo"),
    path("", include("innsync.portals.admin.urls")),
]
