"""The compiled MoveSpecs of versions, which never change, with the numbers of a session."""

from functools import lru_cache
from uuid import UUID

import detection
from movespecs.models import MoveSpecVersion
from sessions_app.models import DetectionSession

MAX_SPECS = 256
# What is known of a text takes several times what its MoveSpec does.
MAX_VALIDATIONS = 64


def spec_of_session(session: DetectionSession) -> detection.MoveSpec:
    """The MoveSpec that counts in a session: with its parameters, and messages of its locale.

    One of a session's own is not kept: numbers may be as many as sessions. Raises MoveSpecInvalid
    if the language no longer takes the text of its version.
    """
    version_id, parameters = session.resolved_version_id, session.parameters or {}
    if not parameters and session.locale is None:
        return spec_of_version(version_id)
    return validation_of_version(version_id).spec_with(parameters, session.locale)


@lru_cache(maxsize=MAX_SPECS)
def spec_of_version(version_id: UUID) -> detection.MoveSpec:
    """The MoveSpec of a version with the defaults of its parameters. Raises MoveSpecInvalid."""
    return detection.compile(_text_of(version_id))


@lru_cache(maxsize=MAX_VALIDATIONS)
def validation_of_version(version_id: UUID) -> detection.Validation:
    """What is known of a version's text. Raises MoveSpecInvalid."""
    validation = detection.validate(_text_of(version_id), is_new=False)
    if not validation.ok:
        raise detection.MoveSpecInvalid(validation.errors)
    return validation


def _text_of(version_id: UUID) -> str:
    version = MoveSpecVersion.objects.only("yaml_source").get(id=version_id)
    return version.yaml_source
