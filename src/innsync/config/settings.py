"""Django settings, read from the environment. docs/reference/settings.md is generated from `SETTINGS` below."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

# name: (default, what it means). The one list of what an operator can set.
SETTINGS: dict[str, tuple[str, str]] = {
    "DATABASE_URL": ("", "PostgreSQL (15 or newer) to use instead of the embedded one, as the application's login."),
    "DATABASE_ADMIN_URL": (
        "",
        "The owner's login: for migrations, backup, restore and benchmarks. Defaults to DATABASE_URL.",
    ),
    "INNSYNC_DATA_DIR": (".innsync", "Folder of the embedded database, keys and logs."),
    "INNSYNC_FILES_DIR": (
        "",
        "Folder of the photos, kept beside the database. Empty: `files` in the data folder. Several machines share one.",
    ),
    "INNSYNC_SECRET_KEY": ("", "Signs sessions and links. `innsync up` makes one on its first start."),
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
        " (X-Forwarded-For): docs/howto/put-it-behind-a-proxy.md.",
    ),
    "INNSYNC_SANDBOX": ("", "1 allows outgoing calls to loopback and private addresses."),
    "INNSYNC_SANDBOX_URL": ("http://127.0.0.1:8090", "Where the sandbox channels are."),
    "INNSYNC_PUBLIC_URL": ("http://127.0.0.1:8000", "Address under which the outside reaches this installation."),
    "INNSYNC_CHANNEL_PACKAGES": ("", "Comma-separated packages with channel adapters from outside this project."),
    "INNSYNC_WEB_THREADS": ("16", "Threads of one web process."),
    "INNSYNC_WORKER_CONCURRENCY": ("12", "Jobs that one worker runs at a time."),
    "INNSYNC_DATABASE_POOL": ("16", "Database connections of one process."),
    "INNSYNC_API_CALLS_PER_MINUTE": ("6000", "Calls an API key may make a minute when it has no limit of its own."),
    "INNSYNC_SEARCH_BEHIND_MS": (
        "20",
        "A search may show the state of a moment so many milliseconds before the call, up to 40. 0: each looks for changes first.",
    ),
    "INNSYNC_MAIL_URL": (
        "",
        "Where mail goes out: smtp://user:password@host:587 (with STARTTLS), smtps://user:password@host:465, or"
        " smtp+plain://host:25 for a relay on your own machine. Empty: each mail becomes a file in the data folder's `mail`.",
    ),
    "INNSYNC_MAIL_FROM": ("Innsync <innsync@localhost>", "Whom mail comes from."),
    "INNSYNC_CALLS_KEPT_DAYS": ("180", "How long the record of each call of the API is kept, 30 days or more."),
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
SEARCH_BEHIND_S = min(40.0, max(0.0, float(setting("INNSYNC_SEARCH_BEHIND_MS")))) / 1000  # 50 ms are promised
CALLS_KEPT_DAYS = max(30, int(setting("INNSYNC_CALLS_KEPT_DAYS")))
API_CALLS_PER_MINUTE = int(setting("INNSYNC_API_CALLS_PER_MINUTE"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "innsync.portals",  # before allauth, so that its templates are found first
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
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
    "innsync.apps.imports",
    "innsync.apps.automation",
    "innsync.apps.messaging",
    "innsync.apps.webhooks",
    "innsync.apps.tokens",
    "innsync.apps.calls",
]

APPLICATION_ROLE = "innsync_app"


# A crowd on one room takes turns: this lets some hundred guests wait for theirs on a busy machine, and no fault for ever.
LOCK_TIMEOUT_MS = 5_000


# A server whose machine or network is gone says nothing: without these a statement waits for a quarter of an hour, and a
# standby that took over is not asked. What an address says itself counts first; sockets of this machine have no use for them.
NOTICED_GONE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}


def database(url: str, *, as_application: bool) -> dict[str, object]:
    """A Django database from a libpq address; `as_application` drops to the role that row-level security binds."""
    parts = conninfo_to_dict(url)
    role = f" -c role={APPLICATION_ROLE}" if as_application and parts.get("user") != APPLICATION_ROLE else ""
    known = {"dbname", "user", "password", "host", "port", "options"}
    return {
        "ENGINE": "innsync.config.postgresql",
        "NAME": parts.get("dbname", "innsync"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            **NOTICED_GONE,
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
    "innsync.config.requests.RequestContext",
    "innsync.api.cors.PagesElsewhere",
    "innsync.api.straight.StraightToPrograms",
    "django.middleware.security.SecurityMiddleware",
    "innsync.portals.headers.PageHeaders",
    "innsync.portals.readable.ReadableText",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "innsync.portals.account.habits.Habits",
    "allauth.account.middleware.AccountMiddleware",
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
# Shared by all processes: sign-in keeps there which one-time codes were used, and how often something was tried.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語"), ("es", "Español")]
STATIC_URL = "/static/"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": setting("INNSYNC_FILES_DIR") or str(Path(setting("INNSYNC_DATA_DIR")).absolute() / "files"),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = setting("INNSYNC_PUBLIC_URL").startswith("https://")
CSRF_TRUSTED_ORIGINS = [setting("INNSYNC_PUBLIC_URL")] if SESSION_COOKIE_SECURE else []
CSRF_FAILURE_VIEW = "innsync.portals.errors.csrf_failed"

# Signing in. Nobody signs up: people are invited. Passwords are limited by apps.accounts.sign_in, the rest here.
ACCOUNT_ADAPTER = "innsync.portals.account.adapters.AccountAdapter"
MFA_ADAPTER = "innsync.portals.account.adapters.SecondFactorAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # the invitation came to that address
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/15m/key",
    "reauthenticate": "10/15m/user",
    "change_password": "10/15m/user",
    "reset_password": "20/15m/ip,3/15m/key",
    "reset_password_from_key": "20/m/ip",
}
PASSWORD_RESET_TIMEOUT = 3600
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "innsync.portals.account.forms.SignInCode",
    "reauthenticate": "innsync.portals.account.forms.ConfirmCode",
}
MFA_TOTP_ISSUER = "Innsync"
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute off; a used code stays used


def mail_settings(url: str, data_dir: str) -> dict[str, object]:
    """Django's settings for that INNSYNC_MAIL_URL. Raises ValueError for an address of another kind."""
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(Path(data_dir) / "mail"),
        }
    parts = urlsplit(url)
    ports = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
    if parts.scheme not in ports or not parts.hostname:
        raise ValueError("INNSYNC_MAIL_URL must look like smtp://user:password@host:587")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 20,
    }


globals().update(mail_settings(setting("INNSYNC_MAIL_URL"), setting("INNSYNC_DATA_DIR")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = setting("INNSYNC_MAIL_FROM")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # a form about a person sends a field for each of their properties
LOGGING_CONFIG = None
PROCRASTINATE_ON_APP_READY = None
