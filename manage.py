#!/usr/bin/env python3
"""Django's command line. In development use `make manage CMD="…"`, which sets what it needs."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    from django.core.management import execute_from_command_line

    from kynaplatform.database_sessions import MIGRATE, begin_as

    # A command counts for itself alone: nobody collects it, nor what it would leave there.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = ""
    if sys.argv[1:2] == ["migrate"]:
        begin_as(MIGRATE)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
