"""`make faults`: real nginx and the production set under load, and everything that may happen.

It begins with the code of the last release, and is upgraded first. At last a machine with systemd
is upgraded from each release, and goes back. Exits 0 only if every session completed with each
frame counted once, and every create exists once; 2 where something that it needs is missing.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from dev.local_stack.cluster_folders import PostgresUnavailableError
from dev.local_stack.console import say
from dev.local_stack.guard import PR_SET_PDEATHSIG, prctl
from dev.local_stack.processes import NotReadyError
from tests.deploy.faults.faults import FULL, SHORT
from tests.deploy.faults.machine import missing_for_machine
from tests.deploy.faults.run import carry_out
from tests.deploy.faults.stage import StageFailedError, missing_programs
from tests.deploy.faults.units import through_units
from tests.deploy.installation import NoPythonError, installation
from tests.deploy.releases import NoReleaseError, check_out_last_release, releases

INTERRUPTED = 128 + signal.SIGINT
MISSING = 2
COULD_NOT = (StageFailedError, NotReadyError, PostgresUnavailableError, pytest.fail.Exception)


def main() -> int:
    options = read_options()
    if options.end_with_make:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # Both end it in order, and all that it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if missing := missing_programs():
        say(f"make faults needs {' and '.join(missing)}: apt-get install {' '.join(missing)}")
        return MISSING
    # A keepalive that ends with its connection is told to nobody.
    logging.getLogger("websockets").addHandler(logging.NullHandler())
    folder = Path(tempfile.mkdtemp(prefix="kynaplatform-faults-"))
    # The image's user must get in, and the database's.
    folder.chmod(0o755)
    try:
        if options.units:
            return run_units(folder, is_needed=True)
        plan = SHORT if options.short else FULL
        plan = replace(plan, absent_seconds=options.absent or plan.absent_seconds)
        with installation() as build, installation("last-release") as build_before:
            say("Carrying out the Dockerfile and starting what compose.yaml starts …")
            (folder / "release").mkdir()
            before = build_before(check_out_last_release(folder / "release"))
            report = carry_out(build(), folder, plan, say, before=before)
        say(f"\n{report.as_text()}")
        if report.wrong:
            return 1
        return 0 if options.short else run_units(folder, is_needed=os.environ.get("CI") == "true")
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
    except NoReleaseError as fault:
        say(f"make faults needs the last release: {fault}.")
        return MISSING
    except NoPythonError as fault:
        say(f"make faults needs another Python: {fault}.")
        return MISSING
    except COULD_NOT as failure:
        say(f"It could not be carried out: {failure}")
        return 1
    finally:
        if options.logs is not None:
            options.logs.mkdir(parents=True, exist_ok=True)
            for log in folder.rglob("*.log"):
                shutil.copy(log, options.logs)
        shutil.rmtree(folder, ignore_errors=True)


def run_units(folder: Path, *, is_needed: bool) -> int:
    if missing := missing_for_machine():
        say(f"The units did not run under systemd, which needs {' and '.join(missing)}.")
        return MISSING if is_needed else 0
    for release in releases():
        place = folder / f"units-{release.name}"
        place.mkdir()
        if not through_units(release.commit, place):
            say(f"WRONG: the units do not bring every stream from {release.name}, and back.")
            return 1
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make faults", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--short", action="store_true", help="8 sessions, for a minute")
    parser.add_argument(
        "--units", action="store_true", help="only the shipped units, under systemd"
    )
    parser.add_argument(
        "--absent", type=float, metavar="SECONDS", help="for how long the database is away (150)"
    )
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep every process's log")
    parser.add_argument("--end-with-make", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
