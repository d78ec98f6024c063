"""Found by Django's autodiscovery: imports what registers pages."""

from staff import (  # noqa: F401
    audit,
    credentials,
    movespecs,
    organizations,
    people,
    sessions,
    versions,
)
