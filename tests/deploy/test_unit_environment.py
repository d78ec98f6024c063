"""What systemd's units are told: the settings, what runs, and a database role of each kind's own"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from tests.deploy.own_cluster import own_cluster
from tests.deploy.test_systemd import UNITS, machine, wanted
from tests.documented import block, commands, run

__all__ = ["machine"]

ETC = "/etc/kynaplatform"
ROLES = {
    "api": "kynaplatform_api",
    "pages": "kynaplatform_web",
    "realtime": "kynaplatform_runtime",
    "worker": "kynaplatform_worker",
    "webhooks": "kynaplatform_worker",
    "beat": "kynaplatform_worker",
    "migrate": "kynaplatform",
}
TELL = """
import django; django.setup()
from django.conf import settings
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0], settings.BUILD_REVISION)
"""
REVISION = "/opt/kynaplatform/current/revision"


def environment_files(machine: Path, unit: str) -> list[str]:
    """Those that systemd itself reads for a unit, in its order; `-` is before one that may lack."""
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={machine}", "--man=no", unit],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "debug", "SYSTEMD_LOG_COLOR": "0"},
    )
    told = done.stdout.partition(f"→ Unit {unit}:")[2].partition("→ Unit ")[0]
    return re.findall(r"^\s*EnvironmentFile: (\S+)$", told, re.MULTILINE)


def kind_of(unit: str) -> str:
    return re.split(r"[@.]", unit.removeprefix("kynaplatform-"))[0]


def variables_of(unit: str, machine: Path, etc: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for named in environment_files(machine, unit):
        path = named.removeprefix("-")
        file = etc / "revision" if path == REVISION else Path(path.replace(ETC, str(etc)))
        if file.exists() or not named.startswith("-"):
            lines = file.read_text().splitlines()
            found |= dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    return found


def everyone() -> list[str]:
    return ["kynaplatform-migrate.service", *wanted()]


def test_each_unit_reads_the_settings_what_runs_and_what_is_its_own(machine: Path) -> None:
    assert {kind_of(unit) for unit in everyone()} == set(ROLES)
    for unit in everyone():
        assert environment_files(machine, unit) == [
            f"{ETC}/env", f"-{REVISION}", f"-{ETC}/kynaplatform-{kind_of(unit)}.env",
        ]  # fmt: skip


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "kynaplatform-etc"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_roles_that_can_not_be_made_fail_and_write_nothing(
    etc: Path, tmp_path: Path, shell: str
) -> None:
    paste = block("docs/capacity.md", "--new-passwords > roles").text.replace(ETC, str(etc))
    (tmp_path / "checkout").mkdir()
    done = subprocess.run(
        [shell, "-c", paste.replace(".venv/bin/python", "false")],
        cwd=tmp_path / "checkout",
        check=False,
    )
    assert done.returncode == 1
    assert [*etc.iterdir(), *(tmp_path / "checkout").iterdir()] == []


@pytest.mark.long
def test_each_unit_has_its_own_database_role_and_the_revision(
    machine: Path, etc: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    revision = "4f1c9d"
    (etc / "revision").write_text(f"BUILD_REVISION={revision}\n")
    with own_cluster() as cluster:
        cluster.run(f"{{ {commands('operations.md', 'CREATE ROLE')} }} > url")
        line = (cluster.folder / "url").read_text().splitlines()[-1]
        # The page has PostgreSQL's usual port.
        url = line.replace("@127.0.0.1/", f"@127.0.0.1:{cluster.port}/")
        # As it is copied: a blank setting is there, and loses.
        (etc / "env").write_text(f"{url}\nBUILD_REVISION=\n")
        owner = {"DATABASE_URL": url.removeprefix("DATABASE_URL=")}
        run(".venv/bin/python manage.py migrate --no-input", checkout, owner)
        paste = commands("capacity.md", "--new-passwords > roles").replace(ETC, str(etc))
        # What the environment says would win over the file.
        run(f"unset DATABASE_URL\n{paste}", checkout, {})
        assert [*checkout.iterdir()] == []
        own = sorted(etc.glob("*.env"))
        assert [file.name for file in own] == [
            f"kynaplatform-{kind}.env" for kind in sorted(set(ROLES) - {"migrate"})
        ]
        assert {file.stat().st_mode & 0o777 for file in own} == {0o600}
        for unit in everyone():
            done = subprocess.run(
                [sys.executable, "-c", TELL],
                cwd=PROJECT,
                env={
                    "PATH": os.environ["PATH"],
                    "DJANGO_SETTINGS_MODULE": "kynaplatform.settings",
                    "ENVIRONMENT": "development",
                    "ENV_FILE": os.devnull,
                    "SECRET_KEY": "throwaway",
                    **variables_of(unit, machine, etc),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout.split() == [ROLES[kind_of(unit)], revision], (unit, done.stderr)
    assert {kind_of(path.name) for path in UNITS.glob("*.service")} == set(ROLES)
