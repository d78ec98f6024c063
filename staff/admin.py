"""Found by Django's autodiscovery: imports what registers pages."""

from staff import (  # noqa: F401
    credentials,
    log_entries,
    movespecs,
    organizations,
    sessions,
    users,
    versions,
)
