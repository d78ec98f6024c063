"""Found by Django's autodiscovery: imports what registers pages."""

from staff import audit, credentials, movespecs, organizations, sessions, versions  # noqa: F401
