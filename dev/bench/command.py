"""A bench as a command: its options, and the figures that it prints."""

import argparse
import statistics
from collections.abc import Sequence


def read_options(description: str | None, **defaults: float | str) -> argparse.Namespace:
    """The options of a bench: one of each default's name and type, and `--throwaway`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in defaults.items():
        parser.add_argument(
            f"--{name}", type=type(default), default=default, help=f"(default {default})"
        )
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    return parser.parse_args()


def show(what: str, **figures: float | None) -> None:
    shown = (
        f"  {name} {value:,.0f}" if isinstance(value, int) else f"  {name} {value:,.2f}"
        for name, value in figures.items()
        if value is not None
    )
    print(f"{what:40}{''.join(shown)}", flush=True)  # noqa: T201


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 99th percentile in milliseconds; nothing of fewer than two times."""
    if len(seconds) < 2:
        return {}
    of_100 = statistics.quantiles(seconds, n=100)
    return {"p50_ms": of_100[49] * 1e3, "p99_ms": of_100[98] * 1e3}
