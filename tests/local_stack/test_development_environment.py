import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from stack_processes import bare_environment

from dev.local_stack.environment import PROJECT, fill, persisted_secrets

SECRETS = ("SECRET_KEY", "SECRET_PEPPERS", "SIGNING_KEY_SECRETS")


def filled(project: Path, **variables: str) -> dict[str, str]:
    assert fill(variables, project=project) is True
    return variables


def test_it_fills_what_is_not_set(tmp_path: Path) -> None:
    variables = filled(tmp_path)
    secrets = {name: variables.pop(name) for name in SECRETS}
    assert variables == {
        "ENVIRONMENT": "development",
        "DATA_DIR": str(tmp_path / ".data"),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "CELERY_BROKER_URL": "filesystem://localhost",
        "RATE_LIMIT_PROJECT": "999999999/minute",
        "RATE_LIMIT_ORGANIZATION": "999999999/minute",
        "RATE_LIMIT_SESSIONS": "999999999/minute",
        "PUBLIC_STREAM_URL": "ws://127.0.0.1:8001/api/detection/stream",
    }
    assert len(secrets["SECRET_KEY"]) >= 50
    number, _, pepper = secrets["SECRET_PEPPERS"].partition(":")
    assert (number, len(bytes.fromhex(pepper))) == ("1", 32)
    Fernet(secrets["SIGNING_KEY_SECRETS"])


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RATE_LIMIT_MINT=7/minute\nALLOWED_HOSTS=from.dotenv\n")
    variables = filled(tmp_path, ALLOWED_HOSTS="from.environment")
    assert variables["RATE_LIMIT_MINT"] == "7/minute"
    assert variables["ALLOWED_HOSTS"] == "from.environment"


def test_it_keeps_its_secrets(tmp_path: Path) -> None:
    first, second = filled(tmp_path), filled(tmp_path)
    assert first == second
    path = tmp_path / ".data" / "secrets.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "".join(f"{name}={first[name]}\n" for name in SECRETS)


def test_only_the_owner_may_enter_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / ".data"
    filled(tmp_path)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    # An older version made it so.
    data.chmod(0o755)
    filled(tmp_path)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_it_completes_the_secrets_of_an_older_version(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text("SECRET_KEY=old\n")
    completed = persisted_secrets(tmp_path)
    assert completed["SECRET_KEY"] == "old"
    assert tuple(completed) == SECRETS
    assert persisted_secrets(tmp_path) == completed


def test_starts_at_once_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(persisted_secrets, [tmp_path] * 8))
    assert made == [made[0]] * 8


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_it_fills_nothing_outside_development(tmp_path: Path, environment: str) -> None:
    variables = {"ENVIRONMENT": environment}
    assert fill(variables, project=tmp_path) is False
    assert variables == {"ENVIRONMENT": environment}
    assert list(tmp_path.iterdir()) == []


def test_an_env_file_that_is_not_there_ends_it(tmp_path: Path) -> None:
    missing, data_dir = tmp_path / "none", tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-m", "dev.local_stack.run"],
        cwd=PROJECT,
        env=bare_environment(ENV_FILE=str(missing), DATA_DIR=str(data_dir)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"ENV_FILE names {missing}, which can't be read: ")
    assert not data_dir.exists()
