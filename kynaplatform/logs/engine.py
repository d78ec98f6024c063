"""The line of a process that says which build of the detection engine it runs."""

import logging

from detection import ENGINE_BUILD

logger = logging.getLogger("kynaplatform.engine")


def tell_engine_build() -> None:
    build, reason = ENGINE_BUILD
    why = f" ({reason})" if reason else ""
    logger.info("the engine that runs: %(engine)s%(why)s", {"engine": build, "why": why})
