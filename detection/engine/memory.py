"""The memory of the engine's parts from frame to frame, and its stored form."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

Fields = dict[str, Any]


# Adding and taking away 2**52 rounds to a whole number.
GRID = 1e6
ROUND = 2.0**52


def on_grid(value: float) -> float:
    """The value to six decimals: short to store, and the same on any machine.

    It is made by sums and quotients alone, for magnitudes below a thousand million.
    """
    return (value * GRID + ROUND - ROUND) / GRID


class Remembering:
    """A part that remembers the attributes that MEMORY names, each with its default.

    They are stored by name, without those at their default. So a state that was stored before a
    field was added is read with its default.
    """

    __slots__ = ()
    MEMORY: ClassVar[Mapping[str, float | tuple[float | None, ...] | None]]

    def forget(self) -> None:
        for name, default in self.MEMORY.items():
            setattr(self, name, default)

    def snapshot(self) -> Fields:
        fields = {}
        for name, default in self.MEMORY.items():
            value = getattr(self, name)
            if value != default and value != []:
                fields[name] = list(value) if isinstance(default, tuple) else value
        return fields

    def restore(self, fields: Fields) -> None:
        """Restore a snapshot. Raises ValueError for one that `snapshot` can't have given."""
        require_names(fields, self.MEMORY, needed=())
        self.forget()
        for name, value in fields.items():
            if not _fits(value, self.MEMORY[name]):
                raise ValueError(f"Not a value of {name}: {value!r}.")
            setattr(self, name, value)


def _fits(value: object, default: object) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and all(item is None or _fits(item, 0.0) for item in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int) or (isinstance(value, float) and not isinstance(default, int))


def require_names(fields: object, known: Iterable[str], needed: Iterable[str]) -> None:
    """Raise ValueError unless `fields` is a mapping of known names with all of `needed`."""
    if not isinstance(fields, dict):
        raise ValueError("Not a mapping of names.")
    if unknown := fields.keys() - set(known):
        raise ValueError(f"Names that the engine does not know: {', '.join(sorted(unknown))}.")
    if missing := set(needed) - fields.keys():
        raise ValueError(f"Names that are missing: {', '.join(sorted(missing))}.")
