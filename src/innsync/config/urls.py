"""Where each address leads."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from innsync.api import docs, health, metrics
from innsync.api.main import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("api/openapi.json", docs.openapi),
    path("api/docs", docs.page),
    path("api/docs.css", docs.style),
    path("api/", api.urls),
]
