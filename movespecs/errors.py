"""The errors of MoveSpecs and their versions."""

from kynaplatform.api.errors import ApiError, Conflict


class MoveSpecNotReleased(ApiError):
    status, code = 409, "movespec_not_released"
    sentence = "The MoveSpec has no released version: make one and release it."


class MoveSpecArchived(ApiError):
    status, code = 409, "movespec_archived"
    sentence = "The MoveSpec is archived."


class MoveSpecVersionWithdrawn(ApiError):
    status, code = 409, "movespec_version_withdrawn"
    sentence = "The version was withdrawn."


class MoveSpecForkRequired(ApiError):
    status, code = 409, "movespec_fork_required"
    sentence = "The MoveSpec is another project's: fork it, or name one of the catalogue."


class MoveSpecInvalid(ApiError):
    status, code = 422, "movespec_invalid"
    sentence = "The MoveSpec's YAML has errors."
    example_details = {
        "error_count": 1,
        "first_error_code": "unknown_key",
        "first_error_message": 'Unknown key "phase"; the nearest known key is phases.',
        "first_error_line": 7,
    }


class LimitReached(Conflict):
    example_details = {"limit": 500}
