"""Dockerfile and compose.yaml: in step with the project, and without a secret of their own."""

import re
from typing import Any

import pytest
import yaml
from django.conf import settings

from kynaplatform.__main__ import TO_MONITOR_PORT
from local_stack.environment import PROJECT

NO_APPS = {"client", "detection", "poses", "realtime"}
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())


def test_the_image_holds_every_package_of_ours() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    apps = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    ours = {app for app in apps if (PROJECT / app).is_dir()}
    assert set(copied) == ours | NO_APPS | {"docs", "examples", "templates"}


OURS = [
    "migrate",
    "api-1",
    "api-2",
    "pages-1",
    "pages-2",
    "realtime-1",
    "realtime-2",
    "worker",
    "beat",
]


@pytest.mark.parametrize("service", OURS)
def test_every_secret_comes_from_the_environment_and_is_required(service: str) -> None:
    variables = COMPOSE["services"][service]["environment"]
    assert variables["ENVIRONMENT"] == "production"
    for name in (
        *("SECRET_KEY", "SECRET_PEPPERS", "SIGNING_KEY_SECRETS"),
        *("PUBLIC_STREAM_URL", "ALLOWED_HOSTS"),
    ):
        assert variables[name] == f"${{{name}:?}}"
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        assert re.search(r":\$\{\w+_PASSWORD:\?\}@", variables[name])


@pytest.mark.parametrize("service", OURS)
def test_the_ports_and_folders_of_the_image_win_over_dotenv(service: str) -> None:
    image = (PROJECT / "Dockerfile").read_text()
    variables = COMPOSE["services"][service]["environment"]
    for name in ("PORT", "PAGES_PORT", "REALTIME_PORT", "WORKER_METRICS_PORT", "DATA_DIR"):
        assert f" {name}={variables[name]}" in image
    # Pages and a runtime are one process each, which counts for itself, and beat counts nothing.
    shared = variables["PROMETHEUS_MULTIPROC_DIR"]
    is_alone = service.startswith(("pages", "realtime", "beat"))
    assert shared == "" if is_alone else f"_DIR={shared}\n" in image


def test_nothing_but_nginx_is_reached_from_outside() -> None:
    published = {name: found.get("ports") for name, found in COMPOSE["services"].items()}
    assert published.pop("nginx") == ["${HTTPS_PORT:-443}:443"]
    assert set(published.values()) == {None}


def test_nginx_has_the_files_of_the_project() -> None:
    mounted = dict(
        volume.removesuffix(":ro").rsplit(":", 1)
        for volume in COMPOSE["services"]["nginx"]["volumes"]
    )
    assert mounted.pop("static") == "/opt/kynaplatform/staticfiles"
    assert all((PROJECT / path).is_file() for path in mounted if path != "${TLS_DIR:?}")
    main, site = (
        (PROJECT / "deploy" / name).read_text() for name in ("nginx-main.conf", "nginx.conf")
    )
    wanted = re.findall(r"^ *(?:include|ssl_certificate)\s+(\S+);", main + site, re.MULTILINE)
    # The last is nginx's own.
    places = [*mounted.values(), "/etc/nginx/tls/kyna.crt", "/etc/nginx/mime.types"]
    assert "alias /opt/kynaplatform/staticfiles/;" in site
    assert set(wanted) <= set(places)


def test_the_servers_of_compose_are_those_of_its_file() -> None:
    services = COMPOSE["services"]
    addresses = {
        name: found["networks"]["default"]["ipv4_address"]
        for name, found in services.items()
        if "networks" in found
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


@pytest.mark.parametrize("service", ["nginx", "postgres", "redis", *OURS[1:]])
def test_a_service_that_ends_is_started_again(service: str) -> None:
    assert COMPOSE["services"][service]["restart"] == "unless-stopped"


def test_what_serves_waits_for_the_migrations() -> None:
    finished = {"condition": "service_completed_successfully"}
    for service in OURS[1:]:
        assert COMPOSE["services"][service]["depends_on"]["migrate"] == finished
