"""The addresses of pages and filtered lists, links to them, and who may view them."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from projects.models import ApiKey, Credential, CredentialKind, ServiceAccount
from sessions_app.models import DetectionSession

OF_KIND: dict[str, type[Credential]] = {
    CredentialKind.API_KEY: ApiKey,
    CredentialKind.SERVICE_ACCOUNT: ServiceAccount,
}


def may_view(user: Any, model: type[Model]) -> bool:
    return bool(user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"))


def page_of(row: Model) -> str:
    """The address of the page of `row`. A credential has the page of its kind."""
    model = OF_KIND[row.kind] if isinstance(row, Credential) else type(row)
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def list_of(model: type[Model], **filters: Any) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def sessions_of(user: Any, **filters: Any) -> list[tuple[str, str]]:
    """The label and address of the list of some sessions, if `user` may see them."""
    if not may_view(user, DetectionSession):
        return []
    return [("Sessions", list_of(DetectionSession, **filters))]


def link_to(row: Model, text: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', page_of(row), text)


def linked(number: int, owned: type[Model], **narrowed: Any) -> SafeString:
    """A count that leads to the list of what it counts."""
    return format_html('<a href="{}">{}</a>', list_of(owned, **narrowed), number)
