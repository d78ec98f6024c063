"""The first child of `make run`: migrations, signing key, catalogue; demo data or static files."""

import os
import sys
from pathlib import Path

import django

from kynaplatform.database_sessions import MIGRATE, begin_as
from local_stack.console import say


def prepare(*, with_demo: bool) -> None:
    django.setup()
    from django.core.management import call_command

    call_command("check", "--fail-level", "ERROR")
    call_command("migrate", "--no-input", verbosity=1)
    call_command("rotate_signing_key", "--if-missing")
    call_command("load_catalogue")
    if with_demo:
        from local_stack.demo_data import make_demo

        make_demo(Path(os.environ["DATA_DIR"]) / "demo.json", base_url=sys.argv[1])
    else:
        call_command("collectstatic", "--no-input")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(MIGRATE)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import OperationalError

    try:
        prepare(with_demo=len(sys.argv) > 1)
    except (CommandError, ImproperlyConfigured, OperationalError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
