"""Dockerfile and compose.yaml: in step with the project, and without a secret of their own."""

import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT, make_secrets
from dev.local_stack.ports import free_port
from kynaplatform.__main__ import TO_MONITOR_PORT
from tests.deploy.composition import PASSWORDS, filled
from tests.server import test_database_url as database_url
from tests.waiting import eventually

NO_APPS = {"clients/python", "common", "detection", "dev/poses", "realtime"}
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())


def test_the_image_holds_every_package_of_ours() -> None:
    copied = re.findall(
        r"^COPY (?!--)([\w/]+) \1$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE
    )
    apps = {app.removesuffix(".apps.StaffConfig") for app in settings.INSTALLED_APPS}
    ours = {path for app in apps if (PROJECT / (path := app.replace(".", "/"))).is_dir()}
    assert set(copied) == ours | NO_APPS | {"docs", "examples", "templates"}


OURS = ("migrate", "api-1", "api-2", "pages-1", "pages-2", "realtime-1", "realtime-2")
OURS += ("worker", "beat")


def test_every_secret_comes_from_the_environment_and_is_required() -> None:
    for service in OURS:
        variables = COMPOSE["services"][service]["environment"]
        assert variables["ENVIRONMENT"] == "production"
        for name in (
            *("SECRET_KEY", "SECRET_PEPPERS", "SIGNING_KEY_SECRETS"),
            *("PUBLIC_STREAM_URL", "ALLOWED_HOSTS"),
        ):
            assert variables[name] == f"${{{name}:?}}", service
        for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
            assert re.search(r":\$\{\w+_PASSWORD:\?\}@", variables[name]), service


def test_nothing_but_nginx_is_reached_from_outside() -> None:
    published = {name: found.get("ports") for name, found in COMPOSE["services"].items()}
    assert published.pop("nginx") == ["${HTTPS_PORT:-443}:443"]
    assert set(published.values()) == {None}


def test_the_servers_of_compose_are_those_of_its_file() -> None:
    services = COMPOSE["services"]
    addresses = {
        name: found["networks"]["default"]["ipv4_address"]
        for name, found in services.items()
        if isinstance(found.get("networks"), dict)
    }
    local = (PROJECT / "deploy" / "upstreams-local.conf").read_text()
    written = (PROJECT / "deploy" / "upstreams-compose.conf").read_text()
    for upstream, kind, setting, further in (
        ("api", "api", "PORT", 0),
        ("monitors", "api", "PORT", TO_MONITOR_PORT),
        ("pages", "pages", "PAGES_PORT", 0),
        ("public", "pages", "PAGES_PORT", 0),
        ("logins", "pages", "PAGES_PORT", 0),
        ("downloads", "pages", "PAGES_PORT", 0),
        ("realtime", "realtime", "REALTIME_PORT", 0),
    ):
        block = re.compile(rf"upstream kyna_{upstream} \{{[^}}]*\}}")
        found = block.search(written)
        assert found is not None
        assert re.findall(r"server (\S+) ", found[0]) == [
            f"{address}:{int(services[name]['environment'][setting]) + further}"
            for name, address in addresses.items()
            if name.startswith(f"{kind}-")
        ]
        # All else is as on one machine.
        rest = [re.sub(r"server \S+", "", re.search(block, text)[0]) for text in (written, local)]
        assert rest[0] == rest[1]
    assert services["api-1"]["environment"]["TRUSTED_PROXIES"] == addresses["nginx"]


def test_the_sender_sees_neither_dotenv_nor_a_container_but_postgresql() -> None:
    sender = COMPOSE["services"]["webhooks"]
    assert (sender["env_file"], sender["networks"]) == ([], ["sender"])
    secrets = {"SECRET_KEY", "SECRET_PEPPERS", "REDIS_URL"}
    assert not secrets & {*sender["environment"]}
    beside = [
        name for name, found in COMPOSE["services"].items() if "sender" in found.get("networks", [])
    ]
    assert beside == ["postgres", "migrate", "webhooks"]


@pytest.mark.django_db(transaction=True)
def test_the_sender_takes_its_turns_with_what_compose_gives_it(tmp_path: Path) -> None:
    """A process that has no more in its environment."""
    port, token = free_port(), "a-token-of-the-metrics"
    service = COMPOSE["services"]["webhooks"]
    variables = filled(service["environment"], {**make_secrets(), **PASSWORDS})
    variables |= {
        "DATABASE_URL": database_url(),
        "WORKER_METRICS_PORT": str(port),
        "DATA_DIR": str(tmp_path),
        "METRICS_TOKEN": token,
        "PATH": os.defpath,
        # A folder without .env.
        "ENV_FILE": str(tmp_path / "none"),
    }
    (tmp_path / "none").touch()
    command = [sys.executable, "-m", *service["command"]]
    log = tmp_path / "log"

    def turned_at() -> float:
        url = f"http://127.0.0.1:{port}/metrics"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                told = answer.read().decode()
        except OSError:
            return 0.0
        return float(re.findall(r"^kyna_webhook_turn_timestamp_seconds (\S+)$", told, re.M)[0])

    with log.open("wb") as file:
        process = processes.start(command, env=variables, cwd=PROJECT, stdout=file)
    try:
        eventually(lambda: turned_at() > 0, log.read_text, 90)
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        processes.stop(process, signals=[])
