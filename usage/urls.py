from django.urls import path

from usage.views import UsageViewSet

urlpatterns = [
    path("api/usage", UsageViewSet.as_view({"get": "retrieve"}), name="usage"),
    path(
        "api/usage/projects/<project_id>",
        UsageViewSet.as_view({"get": "of_project"}),
        name="usage-of-project",
    ),
]
