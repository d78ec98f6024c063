"""The whole gate: every check runs, each is reported, one failure fails the gate."""

import argparse
import difflib
import filecmp
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT, make_secrets
from dev.tools.movespec_reference import PAGE, reference

OPENAPI = PROJECT / "docs" / "openapi.yaml"
STATIC = PROJECT / "tryout" / "static" / "tryout"
PAGE_SCRIPTS = (STATIC / "try.js", STATIC / "session.js")
BIN = Path(sys.executable).parent
MANAGE = (sys.executable, "manage.py")
# The settings of addresses: they are read, but nothing is reached there.
NOWHERE = {
    "DATABASE_URL": "postgresql://check@127.0.0.1:1/check",
    "REDIS_URL": "redis://check.invalid/0",
    "CELERY_BROKER_URL": "redis://check.invalid/1",
    "PUBLIC_STREAM_URL": "wss://check.invalid/api/detection/stream",
    "ALLOWED_HOSTS": "check.invalid",
    "TRUSTED_PROXIES": "192.0.2.1",
}
# The errors of pip-audit when its service is at fault, or does not know a package.
UNREACHABLE = re.compile(
    r"Could not connect|requests\.exceptions|ConnectionError|ServiceError|not found on PyPI"
)
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


class CheckFailedError(Exception):
    """A check found a fault; the text is its report."""


def run(*command: str | Path, variables: dict[str, str] | None = None) -> str:
    """The command's output; CheckFailedError with it when the command fails."""
    done = subprocess.run(  # noqa: S603
        list(map(str, command)),
        cwd=PROJECT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CheckFailedError(done.stdout)
    return done.stdout


def passes(*command: str | Path, environment: str | None = None) -> None:
    """Run the command; with `environment` given, only with variables that the settings accept.

    Their secrets are made for this command alone.
    """
    variables = None
    if environment is not None:
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        variables = passed_on | NOWHERE | make_secrets() | {"ENVIRONMENT": environment}
    run(*command, variables=variables)


def generate_openapi() -> str:
    with tempfile.TemporaryDirectory(prefix="kynaplatform-openapi-") as folder:
        document = Path(folder) / "openapi.yaml"
        words = ["spectacular", "--validate", "--fail-on-warn", "--file", str(document)]
        passes(*MANAGE, *words, environment="development")
        return document.read_text()


def check_openapi() -> None:
    generated = generate_openapi()
    committed = OPENAPI.read_text() if OPENAPI.exists() else ""
    if generated != committed:
        difference = difflib.unified_diff(
            *(committed.splitlines(), generated.splitlines()),
            *("docs/openapi.yaml", "generated"),
            lineterm="",
        )
        raise CheckFailedError("\n".join([*difference, "`make openapi` rewrites it."]))


def check_page_scripts() -> str | None:
    """Compare the pages' scripts with their source. Returns a note if no Node can build them."""
    try:
        run("make", "--no-print-directory", "node")
    except CheckFailedError as fault:
        if os.environ.get("CI") == "true":
            raise
        return f"NOT COMPARED: {str(fault).splitlines()[0]}"
    run("make", "--no-print-directory", "packages")
    with tempfile.TemporaryDirectory(prefix="kynaplatform-try-") as folder:
        run("node", "clients/try/script.mjs", folder)
        for script in PAGE_SCRIPTS:
            if not filecmp.cmp(Path(folder) / script.name, script, shallow=False):
                told = f"{script.name} is not what clients/ makes of it. `make web` rewrites it."
                raise CheckFailedError(told)
    return None


def check_reference() -> None:
    if PAGE.read_text(encoding="utf-8") != reference():
        raise CheckFailedError("The language has changed: `make reference` rewrites it.")


def audit_requirements() -> str | None:
    """Audit every pinned package. Returns a note if the service can't say."""
    requirements = ("--requirement", "requirements-dev.txt", "--disable-pip", "--strict")
    try:
        run(BIN / "pip-audit", *requirements, "--progress-spinner=off")
    except CheckFailedError as fault:
        report = str(fault).strip()
        if UNREACHABLE.search(report):
            return f"NOT AUDITED: {report.splitlines()[-1][:160]}"
        raise
    return None


CHECKS: dict[str, Callable[[], str | None]] = {
    "formatting": partial(passes, BIN / "ruff", "format", "--check", "."),
    "lint": partial(passes, BIN / "ruff", "check", "."),
    "types": partial(passes, BIN / "mypy", ".", environment="development"),
    "import directions": partial(passes, BIN / "lint-imports"),
    # The database cannot be reached, so models and migrations are compared, and no more.
    "migrations": partial(
        passes, *MANAGE, "makemigrations", "--check", "--dry-run", environment="development"
    ),
    "deployment settings": partial(
        passes, *MANAGE, "check", "--deploy", "--fail-level", "WARNING", environment="production"
    ),
    "docs/openapi.yaml": check_openapi,
    "The scripts of pages": check_page_scripts,
    "docs/movespec/reference.md": check_reference,
    "vulnerabilities": audit_requirements,
}


def outcome(name: str) -> tuple[bool, str]:
    started = time.monotonic()
    try:
        note = CHECKS[name]()
    except CheckFailedError as fault:
        return False, f"{str(fault).rstrip()}\nFAILED  {name}"
    seconds = time.monotonic() - started
    said = f"skipped {name}: {note}" if note else f"ok      {name}"
    return True, f"{said} ({seconds:.1f} s)"


def run_all() -> int:
    """Run as many at once as there are cores, and report each in order."""
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for name, (is_met, said) in zip(CHECKS, threads.map(outcome, CHECKS), strict=True):
            say(said)
            if not is_met:
                failed.append(name)
    if failed:
        say(f"make check: {len(failed)} failed: {', '.join(failed)}")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-openapi", action="store_true", help="rewrite docs/openapi.yaml")
    if parser.parse_args().write_openapi:
        try:
            OPENAPI.write_text(generate_openapi())
        except CheckFailedError as fault:
            say(str(fault))
            return 1
        return 0
    return run_all()


if __name__ == "__main__":
    sys.exit(main())
