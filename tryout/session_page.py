"""`/session/{project_id}`: a page that counts a session of a customer, in any app.

The session and its runtime token are in the address's fragment, which no server sees.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from kynaplatform.middleware import POLICY_HEADER, camera_policy
from kynaplatform.public_pages import PublicView, page
from projects.models import Project
from tryout.views import landmarker_files


class SessionPageView(PublicView):
    def get(self, request: Request, project_id: str) -> HttpResponse:
        """The page in the customer's name and colour; 404 for an unknown or suspended project.

        Origins that staff list in the project's `page_frames` may frame it.
        """
        project = _find(project_id)
        if project is None:
            return page("tryout/session.html", {"data": None}, status=404)
        frames = project.page_frames.split()
        data = {
            "name": project.page_name,
            "color": project.page_color,
            "frames": frames,
            "returns": project.page_returns.split(),
            "landmarker": landmarker_files(),
        }
        response = page("tryout/session.html", {"data": data})
        response.headers[POLICY_HEADER] = camera_policy(settings.PUBLIC_STREAM_URL, *frames)
        response.headers["Permissions-Policy"] = "camera=(self)"
        # Staff's changes show at once, and it names files of this release.
        response.headers["Cache-Control"] = "no-cache"
        # Nobody who is followed from here learns which project it was.
        response.headers["Referrer-Policy"] = "no-referrer"
        # frame-ancestors says it, and this header knows no list.
        response.xframe_options_exempt = bool(frames)
        return response


def _find(project_id: str) -> Any:
    try:
        active = Project.objects.filter(suspended_at=None, organization__suspended_at=None)
        return active.filter(id=UUID(project_id)).first()
    except ValueError:
        return None
