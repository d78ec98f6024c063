"""The errors of a mint: one for each kind of credential."""

from kynaplatform.api.errors import ApiError


class ApiKeyInvalid(ApiError):
    status, code = 401, "api_key_invalid"
    sentence = "The API key is not valid."


class ServiceAccountInvalid(ApiError):
    status, code = 401, "service_account_invalid"
    sentence = "The service account's credentials are not valid."
