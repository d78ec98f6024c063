"""The engine: from pose frames to detection events, by a MoveSpec."""

from typing import Final

from detection.engine_build import choose_build

ENGINE_BUILD: Final = choose_build(__path__)
