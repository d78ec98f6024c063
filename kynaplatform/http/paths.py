"""Paths of the two services: `api` is for machines, `pages` is for people.

deploy/nginx.conf says the same to nginx; a test asks a real one, and compares.
"""

MONITOR_PATHS = ("/healthz", "/readyz", "/metrics")


API_PREFIXES = ("/api/", "/.well-known/", "/try/sessions", *MONITOR_PATHS)


def is_of_api(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def is_of_pages(path: str) -> bool:
    """Whether `pages` serves it; each service answers monitors for itself."""
    return not is_of_api(path) or path in MONITOR_PATHS
