"""Django settings, read from the environment. docs/reference/settings.md is generated from `SETTINGS` below."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

# name: (default, what it means). The one list of what an operator can set.
SETTINGS: dict[str, tuple[str, str]] = {
    "DATABASE_URL": ("", "PostgreSQL (15 or newer) to use instead of the embedded one, as the application's login."),
    "DATABASE_ADMIN_URL": (
        "",
        "The owner's login: for migrations, backup, restore and benchmarks. Defaults to DATABASE_URL.",
    ),
    "INNSYNC_DATA_DIR": (".innsync", "Folder of the embedded database, keys and logs."),
    "INNSYNC_SECRET_KEY": ("", "Signs sessions and tokens. `innsync up` makes one on its first start."),
    "INNSYNC_ENCRYPTION_KEYS": (
        "",
        "Comma-separated Fernet keys for credentials at rest, newest first. Derived when empty.",
    ),
    "INNSYNC_ALLOWED_HOSTS": (
        "",
        "Comma-separated host names that the web server answers to, beside the loopback's and that of INNSYNC_PUBLIC_URL.",
    ),
    "INNSYNC_TRUSTED_PROXIES": (
        "",
        "Comma-separated addresses or networks of the proxies in front. Only they are believed for whom they call"
        " (X-Forwarded-For). They must drop headers whose names have underscores: docs/howto/put-it-behind-a-proxy.md.",
    ),
    "INNSYNC_SANDBOX": ("", "1 allows outgoing calls to loopback and private addresses."),
    "INNSYNC_SANDBOX_URL": ("http://127.0.0.1:8090", "Where the sandbox channels are."),
    "INNSYNC_PUBLIC_URL": ("http://127.0.0.1:8000", "Address under which the outside reaches this installation."),
    "INNSYNC_CHANNEL_PACKAGES": ("", "Comma-separated packages with channel adapters from outside this project."),
    "INNSYNC_WEB_THREADS": ("16", "Threads of one web process."),
    "INNSYNC_WORKER_CONCURRENCY": ("12", "Jobs that one worker runs at a time."),
    "INNSYNC_DATABASE_POOL": ("16", "Database connections of one process."),
    "INNSYNC_API_CALLS_PER_MINUTE": ("6000", "Calls an API key may make a minute when it has no limit of its own."),
    "INNSYNC_LOG_LEVEL": ("INFO", "How much is logged: DEBUG, INFO, WARNING or ERROR."),
}


def setting(name: str) -> str:
    """The value of a setting; KeyError for one that is not in the list."""
    return os.environ.get(name) or SETTINGS[name][0]


def listed(name: str) -> list[str]:
    """The parts of a setting that is a list."""
    return [part.strip() for part in setting(name).split(",") if part.strip()]


def _secret_key() -> str:
    key = setting("INNSYNC_SECRET_KEY")
    stored = Path(setting("INNSYNC_DATA_DIR")) / "secret_key"
    if not key and stored.exists():
        key = stored.read_text("utf-8").strip()
    return key or "only-for-development-and-tests-never-for-a-served-installation"


SECRET_KEY = _secret_key()
DEBUG = False
ENCRYPTION_KEYS = listed("INNSYNC_ENCRYPTION_KEYS")
SANDBOX = setting("INNSYNC_SANDBOX") == "1"
SANDBOX_URL = setting("INNSYNC_SANDBOX_URL")
PUBLIC_URL = setting("INNSYNC_PUBLIC_URL")
_host = urlsplit(PUBLIC_URL).hostname or ""
ALLOWED_HOSTS = [
    *("127.0.0.1", "localhost", "[::1]"),
    *([f"[{_host}]" if ":" in _host else _host] if _host else []),
    *listed("INNSYNC_ALLOWED_HOSTS"),
]
WORKER_CONCURRENCY = int(setting("INNSYNC_WORKER_CONCURRENCY"))
API_CALLS_PER_MINUTE = int(setting("INNSYNC_API_CALLS_PER_MINUTE"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "innsync.apps.accounts",
    "innsync.apps.properties",
    "innsync.apps.inventory",
    "innsync.apps.rates",
    "innsync.apps.guests",
    "innsync.apps.events",
    "innsync.apps.reservations",
    "innsync.apps.distribution",
    "innsync.apps.inbox",
    "innsync.portals",
]

APPLICATION_ROLE = "innsync_app"


# A crowd on one room takes turns: this lets some hundred guests wait for theirs on a busy machine, and no fault for ever.
LOCK_TIMEOUT_MS = 5_000


def database(url: str, *, as_application: bool) -> dict[str, object]:
    """A Django database from a libpq address; `as_application` drops to the role that row-level security binds."""
    parts = conninfo_to_dict(url)
    role = f" -c role={APPLICATION_ROLE}" if as_application and parts.get("user") != APPLICATION_ROLE else ""
    known = {"dbname", "user", "password", "host", "port", "options"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "innsync"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            **{key: value for key, value in parts.items() if key not in known},
            "options": f"{parts.get('options', '')} -c plan_cache_mode=force_generic_plan -c timezone=UTC"
            f" -c lock_timeout={LOCK_TIMEOUT_MS}{role}",
            "prepare_threshold": 0,
            "pool": {"min_size": 1, "max_size": int(setting("INNSYNC_DATABASE_POOL")), "timeout": 10},
        },
    }


_migrating = os.environ.get("INNSYNC_MIGRATING") == "1"
_url = (setting("DATABASE_ADMIN_URL") or setting("DATABASE_URL")) if _migrating else setting("DATABASE_URL")
DATABASES = {"default": database(_url or "postgresql:///innsync", as_application=not _migrating)}
if _migrating:
    DATABASES["default"]["OPTIONS"].pop("pool")  # type: ignore[attr-defined]  # a plain dict
    DATABASES["default"]["OPTIONS"]["options"] = "-c timezone=UTC -c lock_timeout=30000"  # type: ignore[index]

MIDDLEWARE = [
    "innsync.api.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "innsync.portals.headers.PageHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "innsync.config.urls"
WSGI_APPLICATION = "innsync.config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "innsync"},
}
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = setting("INNSYNC_PUBLIC_URL").startswith("https://")
CSRF_TRUSTED_ORIGINS = [setting("INNSYNC_PUBLIC_URL")] if SESSION_COOKIE_SECURE else []
CSRF_FAILURE_VIEW = "innsync.portals.errors.csrf_failed"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12_000_000
LOGGING_CONFIG = None
PROCRASTINATE_ON_APP_READY = None
