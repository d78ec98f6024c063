"""The staff's site: Django's admin, with an index that shows the platform at a glance."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from typing import Any, NamedTuple
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
from staff.lists import (
    NO_SECRETS,
    UNSEARCHED,
    Refused,
    require_known,
    require_no_secret,
    require_short,
    require_text,
)
from staff.login import LoginForm, OwnPasswordForm
from staff.names import PickerView

# A group's title, and its models as `app.model`, in their order.
GROUPS: Sequence[tuple[str, Sequence[str]]] = (
    ("Customers", ("projects.organization", "projects.project", "usage.usagemonth")),
    ("Credentials", ("projects.apikey", "projects.serviceaccount", "projects.accesstoken")),
    (
        "Movements",
        (
            "movespecs.movespec",
            "movespecs.movespecversion",
            "movespecs.release",
            "movespecs.movespecdraft",
        ),
    ),
    ("Sessions", ("sessions_app.detectionsession",)),
    ("Webhooks", ("webhooks.webhookendpoint", "webhooks.webhookdelivery")),
    ("Erasures", ("erasure.erasure",)),
    ("Platform", ("admin.logentry", "auth.user", "auth.group", "projects.signingkey")),
)


# The names that differ from Django's.
NAMES = {"admin.logentry": "Who did what"}


class Task(NamedTuple):
    """A task of staff: the permissions that it takes, and the page on which it begins."""

    label: str
    permission: str
    page: str
    also: Sequence[str] = ()


TASKS = (
    Task("Find a customer", "projects.view_organization", "projects_organization_changelist"),
    Task("See what customers used", "usage.view_usagemonth", "usage_usagemonth_changelist"),
    Task(
        "Onboard a customer",
        "projects.add_organization",
        "projects_organization_onboard",
        also=("projects.add_project", "projects.add_apikey"),
    ),
    Task("Issue an API key", "projects.add_apikey", "projects_project_changelist"),
    Task("Rotate or revoke a key", "projects.change_apikey", "projects_apikey_changelist"),
    Task("See a movement's versions", "movespecs.view_movespec", "movespecs_movespec_changelist"),
    Task(
        "Release, roll back or withdraw a version",
        "movespecs.release_movespecversion",
        "movespecs_movespecversion_changelist",
    ),
    Task(
        "See what a session counted",
        "sessions_app.view_detectionsession",
        "sessions_app_detectionsession_changelist",
    ),
    Task(
        "See why a webhook fails",
        "webhooks.view_webhookendpoint",
        "webhooks_webhookendpoint_changelist",
    ),
    Task("See who did what", "admin.view_logentry", "admin_logentry_changelist"),
)


def grouped(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The models of Django's `apps` in their GROUPS. A model of no group comes last."""
    models = {
        f"{app['app_label']}.{model['model'].__name__.lower()}": model
        for app in apps
        for model in app["models"]
    }
    for label, name in NAMES.items():
        if label in models:
            models[label] = {**models[label], "name": name}
    groups = [
        {"name": title, "models": [models.pop(label) for label in labels if label in models]}
        for title, labels in GROUPS
    ]
    groups.append({"name": "Other", "models": list(models.values())})
    return [group for group in groups if group["models"]]


def tasks_of(user: Any) -> list[tuple[str, str]]:
    """The label and address of each task that `user` may do."""
    return [
        (task.label, reverse(f"admin:{task.page}"))
        for task in TASKS
        if user.has_perms([task.permission, *task.also])
    ]


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
