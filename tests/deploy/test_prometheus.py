"""deploy/prometheus.yml and its targets: every server that is started, on its own port"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.local_stack.environment import PROJECT
from kynaplatform.__main__ import TO_MONITOR_PORT
from tests.deploy.promql import promtool
from tests.documented import block

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
# A scaled worker has one port in each of its containers.
WORKER_PORT = 8002
JOBS = {f"kynaplatform-{kind}" for kind in ("web", "pages", "realtime", "worker", "webhooks")}


def targets(name: str) -> dict[str, list[str]]:
    groups = yaml.safe_load((DEPLOY / f"targets-{name}.yml").read_text())
    return {group["labels"]["job"]: group["targets"] for group in groups}


def test_every_server_of_compose_is_a_target() -> None:
    found = targets("compose")
    assert found.keys() == JOBS
    for job, kind, setting in (("web", "api", "PORT"), ("pages", "pages", "PAGES_PORT")):
        assert found[f"kynaplatform-{job}"] == [
            f"{name}:{int(service['environment'][setting]) + TO_MONITOR_PORT}"
            for name, service in COMPOSE.items()
            if name.startswith(f"{kind}-")
        ]
    assert found["kynaplatform-realtime"] == [
        f"{name}:{service['environment']['REALTIME_PORT']}"
        for name, service in COMPOSE.items()
        if name.startswith("realtime-")
    ]
    assert found["kynaplatform-worker"] == [f"worker:{WORKER_PORT}"]
    assert found["kynaplatform-webhooks"] == [f"webhooks:{WORKER_PORT}"]
    assert {"worker", "webhooks"} <= {*COMPOSE}


def test_every_server_of_systemd_is_a_target() -> None:
    found = targets("local")
    assert found.keys() == JOBS
    target = (DEPLOY / "systemd" / "kynaplatform.target").read_text()
    for name, units, further in (
        ("kynaplatform-web", "api", TO_MONITOR_PORT),
        ("kynaplatform-pages", "pages", TO_MONITOR_PORT),
        ("kynaplatform-realtime", "realtime", 0),
    ):
        ports = re.findall(rf"kynaplatform-{units}@(\d+)", target)
        assert found[name] == [f"127.0.0.1:{int(port) + further}" for port in ports]
    assert found["kynaplatform-worker"] == [f"127.0.0.1:{WORKER_PORT}"]
    assert "kynaplatform-worker.service" in target
    [port] = re.findall(r"WORKER_METRICS_PORT=(\d+)", webhooks_unit())
    assert found["kynaplatform-webhooks"] == [f"127.0.0.1:{port}"]
    assert "kynaplatform-webhooks.service" in target


def webhooks_unit() -> str:
    return (DEPLOY / "systemd" / "kynaplatform-webhooks.service").read_text()


@pytest.mark.parametrize("name", ["local", "compose"])
def test_prometheus_takes_the_files(tmp_path: Path, name: str) -> None:
    """Installed as the page says, but for the folder."""
    config = (DEPLOY / "prometheus.yml").read_text().replace("/etc/prometheus/kyna", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(config)
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    shutil.copy(DEPLOY / f"targets-{name}.yml", tmp_path / "targets.yml")
    (tmp_path / "metrics-token").write_text("a-token-of-the-metrics")
    promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_prometheus_takes_the_job_of_a_database(tmp_path: Path) -> None:
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    [further] = yaml.safe_load(block("docs/operations.md", "job_name").text)
    config["scrape_configs"].append(further)
    # Of those that the test above has.
    del config["rule_files"], config["scrape_configs"][0]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert f'job="{further["job_name"]}"' in (DEPLOY / "alerts.yml").read_text()
