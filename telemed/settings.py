"""Settings of TeleHeme: one file, driven by the environment, working with none.

With no environment at all: SQLite, files and a local queue server under ``var/``. With
``TELEHEME_MODE=production`` the same code runs on PostgreSQL, Valkey or Redis and S3, and refuses
to start where something is left open (``telemed.production``). docs/operations.md lists every name.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from telemed.environment import (
    flag,
    fraction,
    local_secret_key,
    local_socket,
    number,
    unless_none,
    words,
)
from telemed.production import refuse_unsafe

BASE_DIR = Path(__file__).resolve().parent.parent
MODE = os.environ.get("TELEHEME_MODE") or "local"
if MODE not in {"local", "production"}:
    # A slip here would quietly run without any of production's protections.
    raise ImproperlyConfigured(f"TELEHEME_MODE is local or production, not {MODE!r}.")
PRODUCTION = MODE == "production"
DEBUG = flag("TELEHEME_DEBUG")
DATA_DIR_GIVEN = bool(os.environ.get("TELEHEME_DATA_DIR"))
DATA_DIR = Path(os.environ.get("TELEHEME_DATA_DIR") or BASE_DIR / "var").resolve()

SECRET_KEY = os.environ.get("TELEHEME_SECRET_KEY") or (
    "" if PRODUCTION else local_secret_key(DATA_DIR)
)
ALLOWED_HOSTS = words(
    "TELEHEME_HOSTS", default="" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver"
)
CSRF_TRUSTED_ORIGINS = words("TELEHEME_ORIGINS")
BASE_URL = os.environ.get("TELEHEME_BASE_URL", "http://localhost:8000")

INSTALLED_APPS = [
    "telemed.apps.TelemedConfig",
    "accounts.apps.AccountsConfig",
    "audit.apps.AuditConfig",
    "patients.apps.PatientsConfig",
    "classifier.apps.ClassifierConfig",
    "review.apps.ReviewConfig",
    "datasets.apps.DatasetsConfig",
    "training.apps.TrainingConfig",
    "adaptation.apps.AdaptationConfig",
    "monitoring.apps.MonitoringConfig",
    "ml.apps.MlConfig",
    "telemed.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "rest_framework",
    "storages",
]

MIDDLEWARE = [
    "telemed.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "telemed.middleware.ResponseHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "audit.middleware.AuditMiddleware",
]

ROOT_URLCONF = "telemed.urls"
WSGI_APPLICATION = "telemed.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "telemed.context.product",
            ],
        },
    }
]

# Data -------------------------------------------------------------------------------------------

DATABASE_URL = os.environ.get("DATABASE_URL")
DATABASES: dict = {
    "default": (
        dj_database_url.parse(DATABASE_URL)
        if DATABASE_URL
        # Not by way of an address: a path may hold any character.
        else {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "teleheme.sqlite3"}
    )
    | {
        "CONN_MAX_AGE": number("TELEHEME_DB_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a writer waits its turn instead of failing at once; FULL: what was
    # acknowledged survives a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Counters for rate limits: in the database, so that sign-in works while the queue server is down.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

S3_BUCKET = os.environ.get("TELEHEME_S3_BUCKET", "")
S3_PUBLIC_ORIGIN = os.environ.get("TELEHEME_S3_PUBLIC_ORIGIN", "")
_pictures: dict = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": DATA_DIR / "media",
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
if S3_BUCKET:
    _pictures = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": os.environ.get("TELEHEME_S3_ENDPOINT") or None,
            "access_key": os.environ.get("TELEHEME_S3_ACCESS_KEY") or None,
            "secret_key": os.environ.get("TELEHEME_S3_SECRET_KEY") or None,
            "region_name": os.environ.get("TELEHEME_S3_REGION") or None,
            "addressing_style": os.environ.get("TELEHEME_S3_ADDRESSING", "auto"),
            "signature_version": "s3v4",
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": 60,
            "file_overwrite": False,
        },
    }
STORAGES = {
    "default": _pictures,
    "staticfiles": {"BACKEND": "telemed.static_storage.StaticStorage"},
}
# Local pictures are streamed by Django, or handed to the proxy with X-Accel-Redirect when it
# serves this internal prefix.
ACCEL_REDIRECT_PREFIX = os.environ.get("TELEHEME_ACCEL_PREFIX", "")
STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("TELEHEME_STATIC_ROOT") or DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # what browsers and robots ask for at /

# Uploads: the limits of patients.images; Django spools anything larger than 2.5 MB to disk.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = [
    "patients.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Queue ------------------------------------------------------------------------------------------

CELERY_BROKER_URL = (
    os.environ.get("TELEHEME_BROKER_URL") or f"redis+socket://{quote(str(local_socket(DATA_DIR)))}"
)

# The time limits of tasks are in telemed/celery.py. A worker owns a row for this many seconds of
# the database's clock and renews that while it works; a row that waits longer is sent again.
LEASE_SECONDS = number("TELEHEME_LEASE_SECONDS", default=30)
REPUBLISH_SECONDS = number("TELEHEME_REPUBLISH_SECONDS", default=20)
# Left to itself Celery opens and closes the database around every task; TELEHEME_DB_CONN_MAX_AGE
# holds for the worker too (telemed/celery.py).
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# Called with (directory, threads=...): gives the object that reads pictures.
CLASSIFIER_RUNTIME = "classifier.inference.load_model"

# Models: the shipped one, and those registered on this installation.
MODEL_DIRS = [BASE_DIR / "classifier" / "shipped", DATA_DIR / "models"]
# Called with (directory, limits=...): raises where a model directory may not be registered.
CLASSIFIER_FITNESS = "classifier.bundles.confined.require_fit"
MODEL_UPLOAD_LIMIT = number("TELEHEME_MODEL_UPLOAD_MB", default=60) * 1024 * 1024
# Data sets for training: the largest zip file that a page takes, and what a worker unpacks it into.
DATASET_UPLOAD_LIMIT = number("TELEHEME_DATASET_UPLOAD_MB", default=200) * 1024 * 1024
DATASET_WORK_DIR = DATA_DIR / "datasets"
INFERENCE_THREADS = number("TELEHEME_INFERENCE_THREADS", default=os.cpu_count() or 2)

# Promotion of a model: whether a second administrator must agree, and how much worse than the active
# model the gate lets a candidate be (shares of cells; classifier.gate.Policy says the rest).
TWO_PERSON_PROMOTION = flag("TELEHEME_TWO_PERSON_PROMOTION")
GATE_MARGINS = {
    "accuracy": fraction("TELEHEME_GATE_ACCURACY", default=0.005),
    "recall": fraction("TELEHEME_GATE_RECALL", default=0.02),
    "external": fraction("TELEHEME_GATE_EXTERNAL", default=0.02),
    "calibration": fraction("TELEHEME_GATE_CALIBRATION", default=0.01),
    "most_ece": fraction("TELEHEME_GATE_MOST_ECE", default=0.05),
    "abstained": fraction("TELEHEME_GATE_ABSTAINED", default=0.05),
}
# The locked sets that it compares on: names or patterns, separated by commas; "none" asks for none.
GATE_SETS = {
    "test": os.environ.get("TELEHEME_GATE_TEST") or "pbc/test",
    "other": unless_none("TELEHEME_GATE_OTHER_SET", default="pbc_other/test"),
    "outside": unless_none("TELEHEME_GATE_EXTERNAL_SET", default="bccd whole fields"),
}

# How many versions may read along as shadows at once; each costs every worker a model in memory.
SHADOWS = number("TELEHEME_SHADOWS", default=1)

# Training ---------------------------------------------------------------------------------------

# Seconds of the database's clock that a training worker owns a run before it must say so again.
TRAINING_LEASE_SECONDS = number("TELEHEME_TRAINING_LEASE_SECONDS", default=60)
# ImageNet's weights: a file, or nothing for the official download. "random" tries the machinery.
TRAINING_WEIGHTS = os.environ.get("TELEHEME_WEIGHTS", "")
# A data folder with the published locked sets; runs are measured on these as well.
TRAINING_LOCKED_DATA = os.environ.get("TELEHEME_DATA", "")
TRAINING_DIR = DATA_DIR / "training"

# People -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
}
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
}
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "TeleHeme"
SESSION_COOKIE_AGE = int(timedelta(hours=10).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False  # static/js reads it to send X-CSRFToken with fetch
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "telemed.views.csrf_failure"

# Headers ----------------------------------------------------------------------------------------

_pictures_from = [S3_PUBLIC_ORIGIN] if S3_PUBLIC_ORIGIN else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # blob: previews of files not yet sent; data: Bootstrap's own icons inside its stylesheet
        # and the QR code of the second factor.
        "img-src": [SELF, "blob:", "data:", *_pictures_from],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_SSL_REDIRECT = flag("TELEHEME_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = int(timedelta(days=730).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
# How many proxies in front set X-Forwarded-For; 0 = the peer is the client.
TRUSTED_PROXIES = number("TELEHEME_TRUSTED_PROXIES", default=1 if PRODUCTION else 0)

# Interface --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "telemed.api.exception_handler",
}
LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("TELEHEME_TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

# E-mail (never with patient data) and logs --------------------------------------------------------

EMAIL_HOST = os.environ.get("TELEHEME_SMTP_HOST", "")
EMAIL_PORT = number("TELEHEME_SMTP_PORT", default=587)
EMAIL_HOST_USER = os.environ.get("TELEHEME_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("TELEHEME_SMTP_PASSWORD", "")
EMAIL_USE_TLS = flag("TELEHEME_SMTP_TLS", default=True)
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("TELEHEME_MAIL_FROM", "TeleHeme <teleheme@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "telemed.middleware.RequestIdFilter"}},
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name} [{request_id}] {message}",
            "style": "{",
        }
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": os.environ.get("TELEHEME_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        "fontTools": {"level": "ERROR"},
        "weasyprint": {"level": "ERROR"},  # tells each step of each PDF
    },
}

if PRODUCTION:
    refuse_unsafe(globals())
