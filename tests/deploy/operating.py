"""What docs/operations.md has operators ask of a running set with `docker compose run`."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import psycopg

from clients.python.rest import RestClient
from tests.deploy.composition import Service
from tests.documented import commands

SUPERUSER = {
    f"DJANGO_SUPERUSER_{name}": value
    for name, value in {
        "USERNAME": "ada",
        "EMAIL": "ada@example.com",
        "PASSWORD": "correct horse battery staple",
    }.items()
}


def documented_commands() -> dict[str, list[str]]:
    """Each of manage.py's, by its name: the words after `docker compose run --rm migrate`."""
    block = commands("operations.md", "manage.py bootstrap_project")
    lines = re.findall(r"docker compose run --rm migrate (.*?)(?: > .*)?$", block, re.MULTILINE)
    assert len(lines) == block.count("manage.py")
    return {words[2]: words for words in map(shlex.split, lines)}


def bootstrap(migrate: Service) -> str:
    return migrate.run(*documented_commands()["bootstrap_project"])


def operate(migrate: Service, credentials: Mapping[str, str], url: str, database_url: str) -> None:
    """Every other one; each does what it is for."""
    words = documented_commands()
    del words["bootstrap_project"]

    def answer(name: str) -> dict[str, Any]:
        given = {"PROJECT_ID": credentials["project_id"]}
        told = migrate.run(*(given.get(word, word) for word in words.pop(name)), "--json")
        found: dict[str, Any] = json.loads(told)
        return found

    key = answer("create_api_key")
    assert RestClient(url).mint(key["api_key_secret"]) == credentials["project_id"]
    assert answer("rotate_signing_key")["is_new"] is True
    assert answer("load_catalogue")["new_versions"] == 0
    for kind, own_url in answer("create_database_roles").items():
        with psycopg.connect(own_url) as connection:
            found = connection.execute("SELECT current_user, count(*) FROM projects_project")
            owner = database_url.rpartition("/")[2]
            assert found.fetchone() == (f"{owner}_{kind}", 2)
    migrate.run(*words.pop("createsuperuser"), "--no-input", **SUPERUSER)
    with psycopg.connect(database_url) as connection:
        staff = connection.execute(
            "SELECT username, is_superuser FROM auth_user WHERE is_staff"
        ).fetchall()
    assert staff == [("ada", True)]
    assert words == {}
