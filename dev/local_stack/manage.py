"""`manage.py` in the development environment: `make manage CMD="…"`.

Uses the database of a running `make run`, or starts it for the length of the command. A command
that needs none gets none.
"""

import os
import sys
from contextlib import nullcontext

from dev.local_stack.environment import database, fill


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    fill(os.environ)
    from django.core.management import execute_from_command_line

    from kynaplatform.management import OFFLINE

    needs_none = not OFFLINE.isdisjoint(arguments[:1])
    with nullcontext() if needs_none else database(os.environ, reuse=True):
        execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
