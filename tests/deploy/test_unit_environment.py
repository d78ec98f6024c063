"""What systemd's units are told: the settings, what runs, and a database role of each kind's own"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.environment import PROJECT
from tests.deploy.own_cluster import own_cluster
from tests.deploy.test_systemd import UNITS, machine, wanted
from tests.documented import blocks, commands, run

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
REVISION = 'echo "BUILD_REVISION=$(git rev-parse HEAD)" > /etc/kynaplatform/revision'


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
        file = Path(named.removeprefix("-").replace(ETC, str(etc)))
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
            f"{ETC}/env", f"-{ETC}/revision", f"-{ETC}/kynaplatform-{kind_of(unit)}.env",
        ]  # fmt: skip


def test_an_installation_an_upgrade_and_the_way_back_write_what_runs() -> None:
    """Once the code is there, and before anything is restarted."""
    texts = [
        block.text
        for page in ("docs/operations.md", "docs/upgrades.md")
        for block in blocks(page)
        if "collectstatic" in block.text
    ]
    assert len(texts) == 3
    for text in texts:
        before, after = text.split(REVISION)
        assert re.search(r"git (clone|pull|checkout)", before)
        assert "systemctl" in after
        assert "systemctl" not in before


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "kynaplatform-etc"
    folder.mkdir()
    return folder


def made_by_hand(folder: Path, etc: Path) -> str:
    """A repository of one commit, whose revision is written as the pages have it."""
    git = "git -c user.name=a -c user.email=a@b.c"
    run(f"git init -q . && {git} commit -q --allow-empty -m one", folder, {})
    run(REVISION.replace(ETC, str(etc)), folder, {})
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.long
def test_each_unit_has_its_own_database_role_and_the_revision(
    machine: Path, etc: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    revision = made_by_hand(checkout, etc)
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
        assert [*checkout.iterdir()] == [checkout / ".git"]
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
