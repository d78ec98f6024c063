"""The kinds of texts and numbers that the language has."""

from dataclasses import replace

from detection.language.grammar import Number, Text
from detection.spec import NOT_READY, RESERVED_WHEN, TEMPO_PARTS

NAME = Text(
    pattern="^[A-Za-z0-9 _-]{1,64}$",
    invalid_code="invalid_name",
    expected="a name: 1 to 64 of A-Z, a-z, 0-9, space, _ and -",
)
CHECK_NAME = Text(
    pattern=rf"^([A-Za-z0-9 _-]{{1,64}}|tempo\.({'|'.join(TEMPO_PARTS)}))$",
    invalid_code="invalid_name",
    expected=f"the name of a check, such as tempo.{TEMPO_PARTS[0]}",
)
PHASE_NAME = replace(NAME, reserved=(*RESERVED_WHEN, NOT_READY))
CUE_KEY = Text(
    pattern="^[A-Za-z0-9_-]{1,64}$",
    invalid_code="invalid_name",
    expected="a key: 1 to 64 of A-Z, a-z, 0-9, _ and -",
)
PARAMETER_NAME = Text(
    pattern="^[a-z][a-z0-9_]{0,39}$",
    invalid_code="invalid_name",
    expected="the name of a parameter: 1 to 40 of a-z, 0-9 and _, a letter first",
)
LANGUAGE = Text(
    pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$",
    invalid_code="invalid_name",
    expected="the tag of a language, such as en or pt-BR",
)
LABEL = Text(
    pattern="^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    invalid_code="invalid_text",
    expected="a text of one line without control characters",
    min_length=1,
)
PROSE = Text(
    pattern="^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$",
    invalid_code="invalid_text",
    expected="a text without control characters",
)
MESSAGE = replace(PROSE, min_length=1, max_length=200)

DEGREES = Number(0, 180, takes_parameter=True)
TOLERANCE = Number(0, 45, takes_parameter=True)


def milliseconds(least: float, most: float) -> Number:
    return Number(least, most, takes_parameter=True)
