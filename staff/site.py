"""The staff's site: Django's admin, with an index that shows the platform at a glance."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any
from urllib.parse import urlsplit

from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, URLPattern, URLResolver, path, resolve, reverse

from kynaplatform import __version__, clock
from staff.dashboard import dashboard
from staff.global_search import find, search_text
from staff.login import LoginForm, OwnPasswordForm
from staff.menu import grouped, tasks_of
from staff.namesakes import PickerView
from staff.query_parameters import (
    NO_SECRETS,
    UNSEARCHED,
    require_known,
    require_no_secret,
    require_page_number,
    require_short,
    require_text,
)
from staff.refusals import Refused


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
        text = search_text(request)
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
                return refused.page(self, request)
            except PermissionDenied:
                return Refused("Your role does not permit this.", status=403).page(self, request)
            return response

        return update_wrapper(refusing, inner)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        shown = dashboard(request.user, now=clock.now())
        shown["tasks"] = tasks_of(request.user)
        return super().index(request, {**shown, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return apps if app_label else grouped(apps)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return _to_a_page_of_ours(super().login(request, extra_context))
        except Refused as refused:
            return refused.page(self, request)

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _to_a_page_of_ours(super().logout(request, extra_context))

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
        known = {"term", "page", "app_label", "model_name", "field_name"}
        require_known(request.GET, known)
        require_page_number(request.GET.get("page", "1"))
        require_short(request.GET.get("term", ""))
        require_no_secret(request.GET.get("term", ""))
        return PickerView.as_view(admin_site=self)(request)


def _to_a_page_of_ours(response: HttpResponse) -> HttpResponse:
    """The response, led to the index if it led anywhere but to a page of the admin."""
    if isinstance(response, HttpResponseRedirect) and not _is_page_of_ours(response.url):
        return HttpResponseRedirect(reverse("admin:index"))
    return response


def _is_page_of_ours(address: str) -> bool:
    try:
        found = resolve(urlsplit(address).path)
    except (Resolver404, ValueError):
        return False
    # The admin's own view of unknown paths has no name.
    return "admin" in found.namespaces and found.url_name not in (None, "login", "logout")
