"""The staff's site: Django's admin with an index that shows the platform at a glance."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from staff.at_a_glance import glance


class StaffSite(AdminSite):
    site_header = site_title = "kynaplatform"
    index_title = "At a glance"
    site_url = "/api/docs"

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        shown = glance(request.user, now=timezone.now())
        return super().index(request, {**shown, **(extra_context or {})})
