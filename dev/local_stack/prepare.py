"""The setup of `make run`: migrations, signing key, catalogue, and demo data or static files."""

import os
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError

from kynaplatform.database.session_settings import MIGRATE, begin_as


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kynaplatform.settings")
    begin_as(MIGRATE)
    try:
        django.setup()
        call_command("check", "--fail-level", "ERROR")
        call_command("migrate", "--no-input", verbosity=1)
        call_command("rotate_signing_key", "--if-missing")
        call_command("load_catalogue")
        if demo_base_url := "".join(sys.argv[1:]):
            from dev.local_stack.demo_data import make_demo

            make_demo(
                Path(os.environ["DATA_DIR"]),
                base_url=demo_base_url,
                stream_url=os.environ["PUBLIC_STREAM_URL"],
            )
        else:
            call_command("collectstatic", "--no-input")
    except (CommandError, ImproperlyConfigured, OperationalError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
