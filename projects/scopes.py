"""Scopes: what a credential may do."""

from collections.abc import Iterable

from django.db import models


class Scope(models.TextChoices):
    MOVESPECS_READ = "movespecs:read"
    MOVESPECS_WRITE = "movespecs:write"
    PROJECTS_READ = "projects:read"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    USAGE_READ = "usage:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    DATA_ERASE = "data:erase"


ALL_SCOPES = frozenset(Scope.values)
# What a new credential has unless it is given others. What is erased comes back by no other call.
DEFAULT_SCOPES = ALL_SCOPES - {Scope.DATA_ERASE.value}
# Older clients ask for projects:read in order to read a session.
_SESSION_READERS = frozenset({Scope.SESSIONS_READ.value, Scope.PROJECTS_READ.value})


def granted_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Everything that `scopes` allow: projects:read and sessions:read grant each other."""
    granted = frozenset(scopes)
    return granted | _SESSION_READERS if granted & _SESSION_READERS else granted
