from django.urls import path

from guides.views import GuidesView, GuideView, HomeView

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("docs/", GuidesView.as_view(), name="guides"),
    path("docs/<path:name>", GuideView.as_view(), name="guide"),
]
