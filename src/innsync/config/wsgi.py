"""The web application, for granian or any WSGI server."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from innsync.config.proxies import behind
from innsync.config.settings import listed
from innsync.ops import logs, shared_counts

shared_counts.make_room()
logs.configure()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
application = behind(listed("INNSYNC_TRUSTED_PROXIES"), get_wsgi_application())
