"""Superset's configuration.

Belongs here: values that Superset reads by name; how they are found is in the modules beside it.
Superset evaluates this file once, in the server process, so it may read what the product set there.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from cachelib import FileSystemCache
from flask import Blueprint, Flask
from sqlalchemy.pool import QueuePool
from superset.config import DISALLOWED_SQL_FUNCTIONS as _OTHER_ENGINES

from dashboards.superset import closed, guard, language, pages, places, snapshot, theme
from dashboards.superset.visits import Visits

_HOME = places.home()
_EIGHT_HOURS = 8 * 60 * 60

SECRET_KEY, GUEST_TOKEN_JWT_SECRET = places.secrets()
GLOBAL_ASYNC_QUERIES_JWT_SECRET = GUEST_TOKEN_JWT_SECRET
SQLALCHEMY_DATABASE_URI = places.metadata_uri()
SQLALCHEMY_EXAMPLES_URI = SQLALCHEMY_DATABASE_URI
# A statement that fails is logged without its values: they hold names of accounts and of canteens.
SQLALCHEMY_ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True} | (
    {"connect_args": {"check_same_thread": False, "timeout": 30}, "poolclass": QueuePool}
    if SQLALCHEMY_DATABASE_URI.startswith("sqlite")
    else {"pool_pre_ping": True}
)

# --- Language and looks
APP_NAME = theme.APP_NAME
APP_ICON = theme.LOGO
FAVICONS = [{"href": "/canteen/favicon.svg", "type": "image/svg+xml"}]
BLUEPRINTS = [
    Blueprint(
        "canteen",
        __name__,
        static_folder=str(Path(pages.__file__).parent / "static"),
        static_url_path="/canteen",
    )
]
BABEL_DEFAULT_LOCALE = "zh"
BABEL_TRANSLATION_DIRECTORIES = str(language.folder())
LANGUAGES = {"zh": {"flag": "cn", "name": "简体中文"}}
# Replaced by a function of the request as soon as the server is made (wsgi.py).
THEME_DEFAULT = theme.LIGHT
THEME_DARK = None
ENABLE_UI_THEME_ADMINISTRATION = False
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
EXTRA_CATEGORICAL_COLOR_SCHEMES = theme.CATEGORICAL
EXTRA_SEQUENTIAL_COLOR_SCHEMES = theme.SEQUENTIAL
D3_FORMAT = theme.NUMBERS
D3_TIME_FORMAT = theme.DATES
CURRENCIES = ["CNY"]
CSV_EXPORT = {"encoding": "utf-8-sig"}

# --- What is switched on
FEATURE_FLAGS = {
    "DASHBOARD_RBAC": True,
    "RLS_IN_SQLLAB": True,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "EMBEDDED_SUPERSET": False,
    "EMBEDDABLE_CHARTS": False,
    "ALLOW_ADHOC_SUBQUERY": False,
    "ALERT_REPORTS": False,
    "CSS_TEMPLATES": False,
}
ROW_LIMIT = 10_000
SQL_MAX_ROW = 10_000
SAMPLES_ROW_LIMIT = 1_000
SUPERSET_WEBSERVER_TIMEOUT = 60
FAB_API_SWAGGER_UI = False
FAB_UPDATE_PERMS = False  # done once per version, in wsgi.py, and not at every start
FAB_ADD_SECURITY_VIEWS = True
SHOW_STACKTRACE = False
LOG_LEVEL = logging.WARNING
# It names the account that was refused; who asked for what is kept with the visits, under their own rights.
logging.getLogger("superset.databases.decorators").setLevel(logging.ERROR)
ENABLE_CORS = False


class CELERY_CONFIG:  # noqa: N801  (Superset's name)
    """No worker runs: nothing is queued on disk, in a broker or anywhere else."""

    broker_url = "memory://"
    result_backend = "cache+memory://"


EVENT_LOGGER = Visits()

# --- Data
DB_CONNECTION_MUTATOR = snapshot.connect
SQL_QUERY_MUTATOR = guard.check
DISALLOWED_SQL_FUNCTIONS = {**_OTHER_ENGINES, "duckdb": guard.FORBIDDEN}
PREVENT_UNSAFE_DB_CONNECTIONS = True


def _cache(kind: str, seconds: int) -> dict[str, Any]:
    return {
        "CACHE_TYPE": f"dashboards.superset.snapshot.{kind}",
        "CACHE_DIR": str(_HOME / "cache" / kind.lower()),
        "CACHE_DEFAULT_TIMEOUT": seconds,
        "CACHE_THRESHOLD": 20_000,
        "CACHE_IGNORE_ERRORS": True,
    }


def _state(name: str) -> dict[str, Any]:
    return {
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": str(_HOME / "cache" / name),
        "CACHE_DEFAULT_TIMEOUT": 7 * 24 * 60 * 60,
        "CACHE_THRESHOLD": 20_000,
        "REFRESH_TIMEOUT_ON_RETRIEVAL": True,
    }


CACHE_CONFIG = _cache("PageCache", 60)
DATA_CACHE_CONFIG = _cache("SnapshotCache", 24 * 60 * 60)
FILTER_STATE_CACHE_CONFIG = _state("filters")
EXPLORE_FORM_DATA_CACHE_CONFIG = _state("forms")

# --- Who may come in
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
FAB_PASSWORD_COMPLEXITY_ENABLED = True
FAB_PASSWORD_COMPLEXITY_VALIDATOR = pages.check_password
WTF_CSRF_ENABLED = True
RATELIMIT_ENABLED = True
RATELIMIT_STORAGE_URI = "memory://"
RATELIMIT_APPLICATION = "600 per second"
AUTH_RATE_LIMITED = False  # it would count the page's loads and not the passwords tried; see pages.py
SESSION_SERVER_SIDE = True
SESSION_TYPE = "cachelib"
SESSION_CACHELIB = FileSystemCache(str(_HOME / "cache" / "sessions"), threshold=50_000, mode=0o600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "canteen"
PERMANENT_SESSION_LIFETIME = timedelta(seconds=_EIGHT_HOURS)
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "frame-ancestors": ["'self'"],
        "form-action": ["'self'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802  (Superset's name)
    """Give the app what Superset has no setting for."""
    pages.register(app)
    closed.register(app)
