from django.urls import path

from erasure.views import SubjectErasureViewSet

urlpatterns = [
    path(
        "api/subjects/erase",
        SubjectErasureViewSet.as_view({"post": "erase"}),
        name="subject-erase",
    ),
]
