from django.urls import path

from tryout.views import FigureView, TrySessionView, TryView

urlpatterns = [
    path("try", TryView.as_view(), name="try"),
    path("try/sessions", TrySessionView.as_view(), name="try-sessions"),
    path("try/figures/<slug>.json.gz", FigureView.as_view(), name="try-figure"),
]
