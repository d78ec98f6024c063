"""What each scope lets a key do, in a plain line, and the usual sets of them."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from django import forms

from projects.models import all_scopes
from projects.scopes import DEFAULT_SCOPES

WORDS: Final[Mapping[str, str]] = {
    "data:erase": "delete sessions, and all that is stored of a person",
    "movespecs:read": "read its movements and their versions",
    "movespecs:write": "make, change, release and archive movements",
    "projects:read": "read sessions: the name that older clients ask for",
    "sessions:read": "read sessions and what they counted",
    "sessions:write": "create sessions, finalize and cancel them",
    "tokens:read": "list the access tokens of its project",
    "tokens:write": "revoke access tokens of its project",
    "usage:read": "read how much was used",
    "webhooks:read": "read webhooks and what was sent to them",
    "webhooks:write": "set up webhooks, test them and send again",
}


class Preset(NamedTuple):
    label: str
    scopes: Sequence[str]

    @property
    def joined(self) -> str:
        return " ".join(self.scopes)


def presets() -> list[Preset]:
    return [
        Preset("An app's back end", ["movespecs:read", "sessions:read", "sessions:write"]),
        Preset("Read only", [scope for scope in all_scopes() if scope.endswith(":read")]),
        Preset("Movements", ["movespecs:read", "movespecs:write"]),
        Preset("Everything", all_scopes()),
    ]


class ScopesField(forms.MultipleChoiceField):
    """Which scopes a key has; a script offers the presets beside the boxes."""

    presets = staticmethod(presets)

    def __init__(self) -> None:
        super().__init__(
            choices=[(scope, f"{scope}: {WORDS.get(scope, '')}") for scope in all_scopes()],
            initial=sorted(DEFAULT_SCOPES),
            widget=forms.CheckboxSelectMultiple,
            label="What it may do",
        )
