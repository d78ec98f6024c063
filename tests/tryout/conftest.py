from tests.api.conftest import limits_clock

__all__ = ["limits_clock"]
