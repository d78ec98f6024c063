"""The login and password forms: few wrong passwords a minute, and each of them is logged."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest

from kynaplatform.api.rate_limits import Decision, Limit
from kynaplatform.api.throttling import request_counter
from kynaplatform.database.connections import is_lock_timeout
from kynaplatform.middleware import client_address
from staff.lists import Refused

logger = logging.getLogger("kynaplatform.login")

# An office shares an address: one who forgot a password must not stop the others.
NAMES_AT_ONE_ADDRESS = 3
MAX_LOGGED = 100
TURN_SECONDS = 10


class LoginForm(AdminAuthenticationForm):
    """The login form, which limits failures by name and address together.

    A limit by name alone would let a stranger lock its owner out.
    """

    request: HttpRequest

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        name = self.fields["username"]
        # Django has the browser alone check it.
        name.validators.append(MaxLengthValidator(name.max_length))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if name is None or not self.cleaned_data.get("password"):
            return super().clean()
        address = client_address(self.request)
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        limits = [
            Limit(f"login-name:{digest}@{address}", settings.RATE_LIMIT_LOGIN),
            Limit(f"login-address:{address}", settings.RATE_LIMIT_LOGIN * NAMES_AT_ONE_ADDRESS),
        ]
        with one_guess("login", limits, name, address):
            return super().clean()


class OwnPasswordForm(AdminPasswordChangeForm):
    """The form to change one's own password, which limits wrong old passwords by user."""

    def __init__(self, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        limits = [Limit(f"old-password:{self.user.pk}", settings.RATE_LIMIT_LOGIN)]
        name, address = self.user.get_username(), client_address(self.request)
        with one_guess("change of password", limits, name, address):
            return super().clean_old_password()


@contextmanager
def one_guess(what: str, limits: Sequence[Limit], name: str, address: str) -> Iterator[None]:
    """Let the block try one password, and count its ValidationError against `limits`.

    Raises Refused before the block if no attempt is left. Attempts that share the last limit wait
    for each other, in all processes: so each failure is counted before the next attempt.
    """
    with transaction.atomic():
        _wait_for_others(limits[-1].key)
        left = request_counter().peek(limits)
        if not left.allowed:
            logger.warning("%s refused, too many failures: %s", what, _who(name, address))
            raise _too_many(left)
        try:
            yield
        except ValidationError:
            request_counter().hit(limits)
            logger.warning("%s failed: %s", what, _who(name, address))
            raise


def _wait_for_others(key: str) -> None:
    try:
        with connection.cursor() as cursor:
            # To hash a password takes longer than whoever has a row may keep others waiting.
            cursor.execute(f"SET LOCAL lock_timeout = '{TURN_SECONDS}s'")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        sentence = "Others are trying passwords from your address. Try again in a moment."
        raise Refused(sentence, status=503, headers={"Retry-After": "1"}) from error


def _who(name: str, address: str) -> str:
    """The name and address for the log, escaped: a name can neither end nor reverse a line."""
    return f"{name.encode('unicode_escape').decode()[:MAX_LOGGED]} from {address}"


def _too_many(decision: Decision) -> Refused:
    seconds = decision.reset_seconds
    return Refused(
        f"Too many passwords were wrong. Try again in {seconds} seconds.",
        status=429,
        headers={"Retry-After": str(seconds)},
    )
