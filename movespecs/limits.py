"""The limits of MoveSpecs in a project, and of versions in each; staff override both."""

from uuid import UUID

from django.conf import settings

from kynaplatform.api.errors import Conflict
from movespecs.models import MoveSpec
from projects.models import Project


class LimitReached(Conflict):
    example_details = {"limit": 500}


def require_room_for_movespec(project_id: UUID) -> None:
    """Raise LimitReached when the project has its most MoveSpecs, archived ones included.

    Its row stays locked against other creates until the transaction ends, so that they are
    counted one after the other; what only refers to the project does not wait.
    """
    project = Project.objects.select_for_update(no_key=True).only("movespec_limit")
    limit = project.get(id=project_id).movespec_limit or settings.MOVESPECS_PER_PROJECT
    # Counted no further than is asked.
    if MoveSpec.objects.filter(project_id=project_id)[:limit].count() >= limit:
        raise LimitReached(
            f"The project has its most MoveSpecs, archived ones included: {limit}.", limit=limit
        )


def require_room_for_version(movespec: MoveSpec, latest_number: int) -> None:
    """Raise LimitReached when the MoveSpec, whose row the caller has locked, has its most versions.

    None is ever deleted: the latest number says how many there are.
    """
    limit = movespec.project.version_limit or settings.VERSIONS_PER_MOVESPEC
    if latest_number >= limit:
        raise LimitReached(f"The MoveSpec has its most versions: {limit}.", limit=limit)
