"""The page in place of one that can't be shown: why, and the way back."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse


class Refused(Exception):
    """The exception that ends a request with that page, a status and headers."""

    def __init__(
        self, sentence: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}

    def page(self, site: AdminSite, request: HttpRequest) -> TemplateResponse:
        context = {
            **site.each_context(request),
            "is_nav_sidebar_enabled": site.has_permission(request),
            "title": "Too many attempts" if self.status == 429 else "This can't be shown",
            "sentence": str(self),
            "plain": request.path if request.GET and "\0" not in request.path else None,
        }
        return TemplateResponse(
            request, "admin/refused.html", context, status=self.status, headers=self.headers
        )
