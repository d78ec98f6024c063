from django.urls import path

from guides.views import GuidesView, GuideView, HomeView, LlmsView, SearchView

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("llms.txt", LlmsView.as_view(), {"is_whole": False}, name="llms"),
    path("llms-full.txt", LlmsView.as_view(), {"is_whole": True}, name="llms-full"),
    path("docs/", GuidesView.as_view(), name="guides"),
    path("docs/search", SearchView.as_view(), name="search"),
    path("docs/<path:name>", GuideView.as_view(), name="guide"),
]
