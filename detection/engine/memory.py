"""What the parts of the engine remember from frame to frame, and how it is stored."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

Fields = dict[str, Any]


class Remembering:
    """What it remembers are the attributes that MEMORY names, each with its default.

    They are stored by name, but for those at their default. So what was stored before a field was
    added is read as if it had the default.
    """

    __slots__ = ()
    MEMORY: ClassVar[Mapping[str, float | None]]

    def forget(self) -> None:
        for name, default in self.MEMORY.items():
            setattr(self, name, default)

    def snapshot(self) -> Fields:
        fields = {}
        for name, default in self.MEMORY.items():
            value = getattr(self, name)
            if value != default:
                fields[name] = value
        return fields

    def restore(self, fields: Fields) -> None:
        """Raises ValueError for what `snapshot` can't have given."""
        require_names(fields, self.MEMORY, needed=())
        self.forget()
        for name, value in fields.items():
            if not _fits(value, self.MEMORY[name]):
                raise ValueError(f"Not a value of {name}: {value!r}.")
            setattr(self, name, value)


def _fits(value: object, default: float | None) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int) or (isinstance(value, float) and not isinstance(default, int))


def require_names(fields: object, known: Iterable[str], needed: Iterable[str]) -> None:
    """Raises ValueError unless `fields` is a mapping of known names that has those needed."""
    if not isinstance(fields, dict):
        raise ValueError("Not a mapping of names.")
    if unknown := fields.keys() - set(known):
        raise ValueError(f"Names that the engine does not know: {', '.join(sorted(unknown))}.")
    if missing := set(needed) - fields.keys():
        raise ValueError(f"Names that are missing: {', '.join(sorted(missing))}.")
