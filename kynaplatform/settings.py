"""Settings, from the environment only; docs/settings.md and .env.example list every name.

`ENVIRONMENT` is `production` unless it says otherwise, and in production nothing unset
falls back to a guess: kynaplatform/checks.py refuses to start and says what to set.
"""

from pathlib import Path

from kynaplatform import environment as env
from kynaplatform.logs import configuration

BASE_DIR = Path(__file__).resolve().parent.parent

env.read_env_file(env.text("ENV_FILE"), BASE_DIR / ".env")
env.make_metrics_folder()

# What was built, such as a commit; the metrics tell it beside the version.
BUILD_REVISION = env.text("BUILD_REVISION")
ENVIRONMENT = env.text("ENVIRONMENT") or "production"
PRODUCTION = ENVIRONMENT != "development"
DEBUG = False

# --- Secrets -----------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY") or "unset"
# Peppers of the keyed hashes of credentials: `2:<hex>,1:<hex>`; the highest number hashes,
# every one listed verifies.
SECRET_PEPPERS = env.numbered_secrets(env.text("SECRET_PEPPERS"))
# Fernet keys that encrypt private signing keys and webhooks' secrets at rest; the first encrypts,
# all decrypt.
SIGNING_KEY_SECRETS = env.items("SIGNING_KEY_SECRETS")
METRICS_TOKEN = env.text("METRICS_TOKEN")

# --- Services ----------------------------------------------------------------------------
DATA_DIR = Path(env.text("DATA_DIR") or ".data")
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR
DATABASE_URL = env.text("DATABASE_URL")
# Where runtimes LISTEN; a pooler would lose what they hear.
DATABASE_LISTEN_URL = env.text("DATABASE_LISTEN_URL")
DATABASES = {"default": env.database(DATABASE_URL)}
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL")
PUBLIC_STREAM_URL = env.text("PUBLIC_STREAM_URL").rstrip("/")

PORT = env.integer("PORT", default=8000)
PAGES_PORT = env.integer("PAGES_PORT", default=8003)
REALTIME_PORT = env.integer("REALTIME_PORT", default=8001)
# Of /healthz and /metrics of the worker; 0: neither.
WORKER_METRICS_PORT = env.integer("WORKER_METRICS_PORT", default=8002)
WEB_PROCESSES = env.integer("WEB_PROCESSES", default=1)
# Of each process of the API; docs/benchmarks.md has what more of them answer.
WEB_THREADS = env.integer("WEB_THREADS", default=2)

# --- HTTP --------------------------------------------------------------------------------
ALLOWED_HOSTS = [host.strip() for host in env.items("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env.networks(env.items("TRUSTED_PROXIES"))
CORS_ALLOWED_ORIGINS = env.items("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "Link",
    "X-Request-ID",
    "Idempotent-Replayed",
    "Kyna-Ignored",
    "Kyna-Export-Until",
]
# What monitors ask each service for.
MONITOR_PATHS = ("/healthz", "/readyz", "/metrics")
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [f"^{path[1:]}$" for path in MONITOR_PATHS]
# How long a browser that was here once asks for https only. It can't be taken back.
HSTS_SECONDS = env.integer("HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_SECONDS = HSTS_SECONDS if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.switch("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.switch("HSTS_PRELOAD", default=False)
# They want both of every site, which binds hosts that are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "kyna_admin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
X_FRAME_OPTIONS = "DENY"
# The API's views read bodies themselves; this is for the forms of staff, which take no files.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 0

# --- Lifetimes, in seconds ---------------------------------------------------------------
ACCESS_TOKEN_SECONDS = env.integer("ACCESS_TOKEN_SECONDS", default=900)
SESSION_ATTACH_SECONDS = env.integer("SESSION_ATTACH_SECONDS", default=300)
SESSION_IDLE_SECONDS = env.integer("SESSION_IDLE_SECONDS", default=120)
SESSION_MAX_SECONDS = env.integer("SESSION_MAX_SECONDS", default=3600)
STAFF_SESSION_SECONDS = env.integer("STAFF_SESSION_SECONDS", default=28_800)
SESSION_COOKIE_AGE = STAFF_SESSION_SECONDS

# --- Default limits per rolling minute; staff override them per organization and project --
RATE_LIMIT_PROJECT = env.rate("RATE_LIMIT_PROJECT", default="300/minute")
RATE_LIMIT_ORGANIZATION = env.rate("RATE_LIMIT_ORGANIZATION", default="1500/minute")
RATE_LIMIT_SESSIONS = env.rate("RATE_LIMIT_SESSIONS", default="120/minute")
RATE_LIMIT_MOVESPECS = env.rate("RATE_LIMIT_MOVESPECS", default="60/minute")
RATE_LIMIT_MINT = env.rate("RATE_LIMIT_MINT", default="60/minute")
RATE_LIMIT_ANONYMOUS = env.rate("RATE_LIMIT_ANONYMOUS", default="60/minute")
RATE_LIMIT_LOGIN = env.rate("RATE_LIMIT_LOGIN", default="10/minute")
RATE_LIMIT_ATTACH = env.rate("RATE_LIMIT_ATTACH", default="60/minute")

# --- The page that counts whoever stands before it ---------------------------------------
TRY_PAGE = env.switch("TRY_PAGE", default=not PRODUCTION)
# Sessions of all who try, in any ten minutes; None: nobody is counted.
_most = "60/10minutes" if PRODUCTION else None
TRY_SESSIONS = env.optional_rate("TRY_SESSIONS", default=_most, per="10minutes")

# --- Default limits of what a project keeps; staff override them per project --------------
MOVESPECS_PER_PROJECT = env.count("MOVESPECS_PER_PROJECT", default=500)
VERSIONS_PER_MOVESPEC = env.count("VERSIONS_PER_MOVESPEC", default=200)
# That have not ended; unset: any number.
LIVE_SESSIONS_PER_PROJECT = env.optional_count("LIVE_SESSIONS_PER_PROJECT")
# Of a session, after which only completed and interrupted repetitions are kept.
SESSION_MAX_EVENTS = env.count("SESSION_MAX_EVENTS", default=20_000)

# --- Retention, in days after a session's end; unset: for good ----------------------------
# Staff give an organization fewer. Events may leave before their sessions.
RETENTION_DAYS = env.optional_count("RETENTION_DAYS")
EVENTS_RETENTION_DAYS = env.optional_count("EVENTS_RETENTION_DAYS")
STAFF_LOG_RETENTION_DAYS = env.optional_count("STAFF_LOG_RETENTION_DAYS")

# --- Webhooks ----------------------------------------------------------------------------
WEBHOOKS_SEND = env.switch("WEBHOOKS_SEND", default=True)

# --- Django ------------------------------------------------------------------------------
INSTALLED_APPS = [
    "staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "kynaplatform",
    "projects",
    "movespecs",
    "sessions_app",
    "webhooks",
    "usage",
    "erasure",
    "dev.replay",
    "guides",
    "tryout",
    "staff.apps.StaffConfig",
]
# Of what machines ask for, which knows no cookies (kynaplatform/wsgi.py).
API_MIDDLEWARE = [
    "kynaplatform.middleware.FirstMiddleware",
    "kynaplatform.middleware.ApiSecurityMiddleware",
    "kynaplatform.middleware.OriginMiddleware",
]
# Of pages for people.
MIDDLEWARE = [
    "kynaplatform.middleware.FirstMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "kynaplatform.middleware.HostCheckedExceptForMonitors",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "kynaplatform.urls"
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
            ],
            "libraries": {"staff_texts": "staff.display"},
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORMAT_MODULE_PATH = ["staff.formats"]
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
# In development what `make web` has brought is served at once.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- API ---------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["projects.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "kynaplatform.api.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "kynaplatform.api.error_answers.answer_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "kynaplatform",
    "DESCRIPTION": "Detect, count and coach human movement.\n\n"
    "What a document of shapes can't say is in the guides: [first steps](/docs/start), "
    "[the API](/docs/api), [the MoveSpec language](/docs/movespec), with "
    "[examples](/docs/movements), and [the stream](/docs/streaming) that a session is "
    "attached to.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["kynaplatform.api.openapi.only_documented_endpoints"],
    "POSTPROCESSING_HOOKS": ["kynaplatform.api.openapi.complete_document"],
    "TAGS": [
        {"name": "Access tokens", "description": "Mint, list and revoke machine tokens."},
        {
            "name": "MoveSpecs",
            "description": "Describe movements; version, release, fork.",
            "externalDocs": {"description": "The MoveSpec language", "url": "/docs/movespec"},
        },
        {
            "name": "Detection sessions",
            "description": "Create, read and end sessions.",
            "externalDocs": {"description": "The stream", "url": "/docs/streaming"},
        },
        {
            "name": "Webhooks",
            "description": "Be told when something happens.",
            "externalDocs": {"description": "Webhooks", "url": "/docs/webhooks"},
        },
        {"name": "Usage", "description": "Read what your sessions have used."},
        {
            "name": "Subjects",
            "description": "The people whom sessions are for.",
            "externalDocs": {"description": "What is stored of a person", "url": "/docs/privacy"},
        },
        {"name": "Platform", "description": "Keys, schemas, health and metrics."},
    ],
}

# --- Workers -----------------------------------------------------------------------------
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged as they begin, by Celery's default: every task may be missed, and comes again. Late
# ones end a worker whose Redis goes away meanwhile.
# A broker may be away for as long as it likes.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = env.broker_options(CELERY_BROKER_URL, DATA_DIR)

# --- Logging -----------------------------------------------------------------------------
LOG_LEVEL = env.log_level("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.log_format("LOG_FORMAT", default="text")

LOGGING_CONFIG = "kynaplatform.logs.configure"
LOGGING = configuration(LOG_LEVEL, LOG_FORMAT)
