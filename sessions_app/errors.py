"""The errors of detection sessions."""

from kynaplatform.api.errors import ApiError


class ContractVersionUnsupported(ApiError):
    status, code = 409, "contract_version_unsupported"
    sentence = "This platform speaks contract version 1."
    example_details = {"supported_contract_major": 1}


class SessionAlreadyEnded(ApiError):
    status, code = 409, "session_already_ended"
    sentence = "The session has already ended."
    example_details = {
        "status": "cancelled",
        "terminal_outcome": "expired",
        "accepted_frames_total": 0,
    }
