"""deploy/systemd under systemd's own check, and in step with compose.yaml"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from kynaplatform.__main__ import TO_MONITOR_PORT
from tests.deploy.proxy import upstreams_of
from tests.long_runs import at_length
from tests.plugin import installed
from tests.server import runtime_server

UNITS = PROJECT / "deploy" / "systemd"
MACHINE_UNITS = Path("/usr/lib/systemd/system")
SERVICES: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with systemd where the platform is installed."""
    installed("systemd-analyze")
    shutil.copytree(MACHINE_UNITS, tmp_path / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(UNITS, tmp_path / "etc/systemd/system")
    program = tmp_path / "usr/bin/env"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(mode=0o755)
    return tmp_path


def wanted() -> list[str]:
    """Every unit that the target starts."""
    return re.findall(r"kynaplatform-\S+\.service", (UNITS / "kynaplatform.target").read_text())


def analyze(machine: Path, what: str, *words: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", what, f"--root={machine}", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_COLOR": "0"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_of_them(machine: Path) -> None:
    units = ["kynaplatform.target", "kynaplatform-migrate.service", *wanted()]
    assert analyze(machine, "verify", "--man=no", *units) == ""


def test_none_may_do_more_than_it_needs(machine: Path) -> None:
    for name in ("kynaplatform-migrate.service", *wanted()):
        # Of 100; a service that is held to nothing has 96.
        analyze(machine, "security", "--offline=true", "--threshold=20", "--no-pager", name)


def commands(text: str) -> list[str]:
    """The commands of ours in a text, without what says where: paths, hosts, ports."""
    found = re.findall(r"(?:python (?:-m|manage\.py)|celery --quiet) [^\n\"]+", text)
    return [
        re.sub(r" --(?:metrics-)?(?:host|port) \S+|(?<=--schedule=)\S+/", "", line)
        for line in found
    ]


def test_one_that_grows_beyond_its_memory_is_started_again() -> None:
    """Each has the bound that compose has."""
    common = (UNITS / "kynaplatform-.service.d" / "common.conf").read_text()
    # Else a machine's own default could let a unit go on without the process that was killed.
    assert re.findall(r"^OOMPolicy=(.*)$", common, re.MULTILINE) == ["stop"]
    assert "MemoryMax=" not in common
    for path in UNITS.glob("*.service"):
        text = path.read_text()
        name = path.stem.removeprefix("kynaplatform-").replace("@", "-1")
        [bound] = re.findall(r"^MemoryMax=(.*)$", text, re.MULTILINE)
        assert bound.lower() == SERVICES[name]["mem_limit"]
        restarts = re.findall(r"^Restart=(.*)$", text, re.MULTILINE)
        assert restarts == ([] if name == "migrate" else ["always"])


def test_the_sender_has_no_secret_that_it_does_not_need() -> None:
    text = (UNITS / "kynaplatform-webhooks.service").read_text()
    [without] = re.findall(r"^UnsetEnvironment=(.*)$", text, re.MULTILINE)
    assert {*without.split()} == {"SECRET_KEY", "SECRET_PEPPERS", "REDIS_URL"}
    broker = SERVICES["webhooks"]["environment"]["CELERY_BROKER_URL"]
    assert f" CELERY_BROKER_URL={broker} " in text


def test_each_runs_what_it_runs_in_compose() -> None:
    in_image = (PROJECT / "Dockerfile").read_text().rpartition("\nCMD ")[2]
    for name in ("migrate", "api-1", "pages-1", "realtime-1", "worker", "webhooks", "beat"):
        unit = f"kynaplatform-{name.replace('-1', '@')}.service"
        command = SERVICES[name].get("command")
        in_compose = in_image if command is None else " ".join(command)
        started = re.sub(r"^ExecStartPost=.*$", "", (UNITS / unit).read_text(), flags=re.MULTILINE)
        # What systemd does itself there.
        in_compose = in_compose.replace("python -m realtime.watchdog ", "")
        # `%%` is systemd's `%`.
        assert commands(started.replace("%%", "%")) == commands(in_compose) != []


@pytest.mark.django_db(transaction=True)
@at_length("name", "realtime", "api", "pages")
def test_a_unit_counts_as_started_once_its_server_answers(tmp_path: Path, name: str) -> None:
    """So that the next one may be restarted."""
    unit = (UNITS / f"kynaplatform-{name}@.service").read_text()
    [line] = re.findall(r"^ExecStartPost=(.*)$", unit, re.MULTILINE)
    port = free_port()
    given = {"%i": str(port), ".venv/bin/python": sys.executable}
    words = [given.get(word, word) for word in line.split()]
    waiting = subprocess.Popen(words, cwd=PROJECT)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    with runtime_server(tmp_path, port=port):
        assert waiting.wait(30) == 0


def test_the_servers_of_nginx_are_those_that_the_target_starts() -> None:
    text = (PROJECT / "deploy" / "upstreams-local.conf").read_text()
    upstreams = {
        name: [*map(int, re.findall(r"server 127\.0\.0\.1:(\d+)", servers))]
        for name, servers in re.findall(r"upstream (\w+) \{([^}]*)\}", text)
    }
    target = (UNITS / "kynaplatform.target").read_text()
    api, pages, realtime = (
        [*map(int, re.findall(rf"kynaplatform-{name}@(\d+)", target))]
        for name in ("api", "pages", "realtime")
    )
    monitors = [port + TO_MONITOR_PORT for port in api]
    assert upstreams == upstreams_of(api, realtime, pages, monitors)
