"""What a process keeps, counted from inside: for servers that a test asks at `/watched`."""

import functools
import gc
from collections import deque
from typing import Any

import msgspec

PATH = "/watched"
# Smaller ones are of no interest.
FEWEST = 50
_KINDS = (dict, set, frozenset, list, deque)


def kept() -> dict[str, Any]:
    """The containers of over FEWEST items by their id, each with its size and how it begins; and
    the sizes of caches, those without a bound and the others.

    A dictionary of texts alone is not among the objects of the collector, but what holds it is.
    """
    gc.unfreeze()
    tracked = gc.get_objects()
    containers: dict[str, tuple[int, str]] = {}
    caches: dict[str, tuple[int | None, int]] = {}
    for one in tracked:
        if isinstance(one, functools._lru_cache_wrapper):
            info = one.cache_info()
            caches[f"{one.__module__}.{one.__qualname__}"] = (info.maxsize, info.currsize)
        for held in (one, *gc.get_referents(one)):
            if (type(held) in _KINDS or isinstance(held, dict)) and len(held) >= FEWEST:
                begins = ascii(next(iter(held)))[:60] if held is not tracked else ""
                containers[str(id(held))] = len(held), f"{type(held).__name__} of {begins}"
    containers.pop(str(id(tracked)), None)
    return {
        "containers": containers,
        "unbounded": {name: now for name, (most, now) in caches.items() if most is None},
        "bounded": {name: now for name, (most, now) in caches.items() if most is not None},
    }


def answer() -> bytes:
    return msgspec.json.encode(kept())
