"""The staff's site: Django's admin with its own login, index and search box.

Login and password forms allow few wrong passwords a minute, and log each of them.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, update_wrapper
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from kynaplatform import __version__, clock
from kynaplatform.api.rate_limits import Limit
from kynaplatform.api.throttling import request_counter
from kynaplatform.database.connections import is_lock_timeout
from kynaplatform.middleware import client_address
from staff.dashboard import dashboard, grouped
from staff.display import PickerView
from staff.lists import (
    NO_SECRETS,
    UNSEARCHED,
    Refused,
    require_known,
    require_searchable,
    require_text,
)
from staff.search import find

logger = logging.getLogger("kynaplatform.login")

# An office shares an address: somebody who forgot a password must not stop the others.
NAMES_AT_ONE_ADDRESS = 3
MAX_LOGGED = 100
TURN_SECONDS = 10


class LoginForm(AdminAuthenticationForm):
    """Limits failures by name and address: by name alone, a stranger could lock its owner out."""

    request: HttpRequest

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        name = self.fields["username"]
        # Django leaves this check to the browser.
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
    """Limits wrong old passwords by user."""

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

    Raises Refused before the block if no attempt remains. Attempts that share the last limit wait
    for each other, in all processes, so that each failure is counted before the next attempt.
    """
    with transaction.atomic():
        _wait_for_others(limits[-1].key)
        decision = request_counter().count(limits, counting=False)
        if not decision.allowed:
            logger.warning("%s refused, too many failures: %s", what, _who(name, address))
            seconds = decision.reset_seconds
            raise Refused(
                f"Too many passwords were wrong. Try again in {seconds} seconds.",
                status=429,
                headers={"Retry-After": str(seconds)},
            )
        try:
            yield
        except ValidationError:
            request_counter().count(limits)
            logger.warning("%s failed: %s", what, _who(name, address))
            raise


def _wait_for_others(key: str) -> None:
    try:
        with connection.cursor() as cursor:
            # Hashing a password takes longer than the usual timeout for a lock.
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


class StaffSite(AdminSite):
    site_header = site_title = "kynaplatform"
    index_title = "At a glance"
    login_form = LoginForm

    def get_urls(self) -> list[URLResolver | URLPattern]:
        # No row of ours has a page outside the admin that `view_on_site` could lead to.
        known = [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]
        found = self.admin_view(self.find)
        return [
            path("find/", found, {"template": "find"}, name="find"),
            path("find/typed/", found, {"template": "find_typed"}, name="find_typed"),
            *known,
        ]

    def each_context(self, request: Any) -> dict[str, Any]:
        box = {
            "no_secret": f"(?!.*(?:{UNSEARCHED})).*",
            "no_secrets": NO_SECRETS,
            "version": __version__,
        }
        return {**super().each_context(request), **box}

    def find(self, request: HttpRequest, template: str) -> TemplateResponse:
        """The results for `q`, by name or id: a page, or what the box shows while one types.

        400 for a secret, a text of more than 200 characters, or any other parameter.
        """
        require_known(request.GET, {"q"})
        text = request.GET.get("q", "").strip()
        require_searchable(text)
        context = {
            **self.each_context(request),
            "title": f"Found for “{text}”" if text else "Find",
            "text": text,
            "groups": find(request, text) if text else [],
        }
        return TemplateResponse(request, f"admin/{template}.html", context)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def refusing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                require_text(request)
                response: HttpResponse = inner(request, *args, **kwargs)
            except Refused as refused:
                return refused.to_response(self, request)
            except PermissionDenied:
                denied = Refused("Your role does not permit this.", status=403)
                return denied.to_response(self, request)
            return response

        return update_wrapper(refusing, inner)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        shown = dashboard(request.user, now=clock.now())
        return super().index(request, {**shown, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return apps if app_label else grouped(apps)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().login(request, extra_context)
        except Refused as refused:
            return refused.to_response(self, request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(OwnPasswordForm, request),
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def autocomplete_view(  # type: ignore[override]
        self, request: HttpRequest
    ) -> HttpResponseBase:
        require_known(request.GET, {"term", "page", "app_label", "model_name", "field_name"})
        require_searchable(request.GET.get("term", ""))
        return PickerView.as_view(admin_site=self)(request)
