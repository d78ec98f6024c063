"""deploy/prometheus.yml and its targets: every server that is started, on its own port"""

import re
from typing import Any

import pytest
import yaml

from local_stack.environment import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
# A scaled worker has one port in each of its containers.
WORKER_PORT = 8002
ALL = {"web", "runtime", "worker"}


def targets(name: str) -> dict[str, list[str]]:
    groups = yaml.safe_load((DEPLOY / f"targets-{name}.yml").read_text())
    return {group["labels"]["kind"]: group["targets"] for group in groups}


def test_every_server_of_compose_is_a_target() -> None:
    found = targets("compose")
    assert found.keys() == ALL
    for kind, prefix, setting in (
        ("web", "web-", "PORT"),
        ("runtime", "realtime-", "REALTIME_PORT"),
    ):
        assert found[kind] == [
            f"{name}:{service['environment'][setting]}"
            for name, service in COMPOSE.items()
            if name.startswith(prefix)
        ]
    assert found["worker"] == [f"worker:{WORKER_PORT}"]
    assert "worker" in COMPOSE


def test_every_server_of_systemd_is_a_target() -> None:
    found = targets("local")
    assert found.keys() == ALL
    target = (DEPLOY / "systemd" / "kynaplatform.target").read_text()
    for kind, unit in (("web", "web"), ("runtime", "realtime")):
        ports = re.findall(rf"kynaplatform-{unit}@(\d+)", target)
        assert found[kind] == [f"127.0.0.1:{port}" for port in ports]
    assert found["worker"] == [f"127.0.0.1:{WORKER_PORT}"]
    assert "kynaplatform-worker.service" in target


@pytest.mark.parametrize("name", ["targets-local.yml", "targets-compose.yml", "prometheus.yml"])
def test_the_page_tells_of_each_file(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "docs" / "operations.md").read_text().replace("deploy/", "")


def test_what_it_reads_is_where_the_page_puts_it() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text()
    read = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    [job] = read["scrape_configs"]
    targets_files, token = job["file_sd_configs"][0]["files"], job["authorization"]
    for path in (*read["rule_files"], *targets_files, token["credentials_file"]):
        assert f"`{path}`" in page
