#!/usr/bin/env python3
"""Django's command line. In development use `make manage CMD="…"`, which sets what it needs."""

import os
import shlex
import sys
from pathlib import Path

ENVIRONMENT = ("ENVIRONMENT", "ENV_FILE", "DATABASE_URL", "SECRET_KEY")
HOW = """\
{lacking} In development run:
  make manage CMD={command}
In production set what docs/settings.md lists, in the environment or in .env."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit(told(f"{sys.executable} has no Django: it is not the project's own Python."))

    from kynaplatform.database.session_settings import MIGRATE, begin_as
    from kynaplatform.management import OFFLINE

    asked = {*sys.argv[1:2]} or {"help"}
    is_offline = asked & OFFLINE or {"-h", "--help", "--version"} & {*sys.argv}
    is_named = any(os.environ.get(name) for name in ENVIRONMENT)
    if not (is_offline or is_named or (Path(__file__).parent / ".env").is_file()):
        sys.exit(told(f"{', '.join(ENVIRONMENT)}: none is set, and there is no .env."))
    # A command counts for itself alone: nobody collects it, nor what it would leave there.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ""
    if sys.argv[1:2] == ["migrate"]:
        begin_as(MIGRATE)
    execute_from_command_line(sys.argv)


def told(lacking: str) -> str:
    command = shlex.join(sys.argv[1:] or ["help"])
    quoted = shlex.quote(command) if set('"$`\\') & set(command) else f'"{command}"'
    return HOW.format(lacking=lacking, command=quoted)


if __name__ == "__main__":
    main()
