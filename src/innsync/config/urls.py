"""Where each address leads."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from innsync.api import access, docs, health, metrics
from innsync.api.main import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path(".well-known/jwks.json", access.published_keys),
    path("api/openapi.json", docs.openapi),
    path("api/docs", docs.page),
    path("api/docs.css", docs.style),
    path("api/", api.urls),
    path("", include("innsync.portals.urls")),
]
handler400 = "innsync.portals.errors.bad_request"
handler403 = "innsync.portals.errors.forbidden"
handler404 = "innsync.portals.errors.not_found"
handler500 = "innsync.portals.errors.failed"
