"""The web application, for granian or any WSGI server."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from innsync.config.settings import listed
from innsync.ops import logs, shared_counts

shared_counts.make_room()
logs.configure()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
application = wrap_wsgi_with_proxy_headers(get_wsgi_application(), listed("INNSYNC_TRUSTED_PROXIES"))
