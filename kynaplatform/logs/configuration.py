"""Which log lines are written, and how."""


def configuration(level: str, line_format: str) -> dict[str, object]:
    """Django's LOGGING. Lines from `level` on go to stderr, each as `text` or as `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "kynaplatform.logs.request_id.RequestIdFilter"},
            "one_line": {"()": "kynaplatform.logs.lines.OneLine"},
            "without_outages": {"()": "kynaplatform.logs.celery.WithoutOutages"},
        },
        "formatters": {
            "text": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
            "json": {"()": "kynaplatform.logs.lines.JsonLine"},
        },
        "handlers": {
            "stderr": _handler(line_format),
            "one_line": _handler(line_format, "one_line"),
            "celery": _handler(line_format, "without_outages"),
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # The request line is written by RequestIdMiddleware; Django's own repeats it.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR"},
            # A refused form, a file: with a traceback each, were it not for this.
            "django.security": {"handlers": ["one_line"], "propagate": False},
            # The request's own line names the host.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # At INFO they write each socket's address, and with it the token in its query.
            "uvicorn": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
            # It tells of its font cache as it is imported.
            "matplotlib": {"level": "ERROR"},
            "celery": {"handlers": ["celery"], "propagate": False},
            "kombu": {"handlers": ["celery"], "propagate": False},
        },
    }


def _handler(line_format: str, *filters: str) -> dict[str, object]:
    return {
        "class": "kynaplatform.logs.lines.LineHandler",
        "filters": ["request_id", *filters],
        "formatter": line_format,
    }
