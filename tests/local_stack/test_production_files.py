"""Dockerfile and compose.yaml: in step with the project, and without a secret of their own."""

import re
from typing import Any

import pytest
import yaml
from django.conf import settings

from local_stack.environment import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())


def test_the_image_holds_every_package_of_ours() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    apps = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    ours = {app for app in apps if (PROJECT / app).is_dir()}
    assert set(copied) == ours | {"detection", "examples", "poses", "templates"}


OURS = ["migrate", "web", "realtime", "worker", "beat"]


@pytest.mark.parametrize("service", OURS)
def test_every_secret_comes_from_the_environment_and_is_required(service: str) -> None:
    variables = COMPOSE["services"][service]["environment"]
    assert variables["ENVIRONMENT"] == "production"
    for name in (
        *("SECRET_KEY", "SECRET_PEPPERS", "SIGNING_KEY_SECRETS"),
        *("PUBLIC_STREAM_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES"),
    ):
        assert variables[name] == f"${{{name}:?}}"
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        assert re.search(r":\$\{\w+_PASSWORD:\?\}@", variables[name])


@pytest.mark.parametrize("service", [name for name in OURS if name != "realtime"])
def test_the_folders_of_the_image_win_over_dotenv(service: str) -> None:
    image = (PROJECT / "Dockerfile").read_text()
    for name in ("DATA_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        assert f" {name}={COMPOSE['services'][service]['environment'][name]}" in image


def test_the_runtime_serves_on_its_port_whatever_dotenv_says() -> None:
    realtime = COMPOSE["services"]["realtime"]
    assert realtime["environment"]["REALTIME_PORT"] == "8001"
    # One process counts for itself.
    assert realtime["environment"]["PROMETHEUS_MULTIPROC_DIR"] == ""
    assert realtime["command"][:3] == ["python", "-m", "realtime"]
    assert realtime["ports"] == ["127.0.0.1:${REALTIME_PORT:-8001}:8001"]
    assert "http://127.0.0.1:8001/healthz" in realtime["healthcheck"]["test"][-1]


@pytest.mark.parametrize("service", ["postgres", "redis", *OURS[1:]])
def test_a_service_that_ends_is_started_again(service: str) -> None:
    assert COMPOSE["services"][service]["restart"] == "unless-stopped"


def test_what_serves_waits_for_the_migrations() -> None:
    finished = {"condition": "service_completed_successfully"}
    for service in OURS[1:]:
        assert COMPOSE["services"][service]["depends_on"]["migrate"] == finished
