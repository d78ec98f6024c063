"""Every setting that is read is in .env.example and docs/settings.md, and none besides."""

import os
import re
import subprocess
import sys
from pathlib import Path

from dev.local_stack.environment import PROJECT, fill

# Not settings of ours: Django's, Python's, WSGI's, the C compiler's and the tests' own.
OTHERS = {"DJANGO_SETTINGS_MODULE", "PYTHONWARNINGS", "PATH_INFO", "CI", "CC"}


def names(pattern: str, *paths: Path) -> set[str]:
    return {name for path in paths for name in re.findall(pattern, path.read_text(), re.MULTILINE)}


def names_read() -> set[str]:
    by_settings = r'\b\w+\("([A-Z_]+)"'
    by_the_stack = r'(?:environ|variables)(?:\[|\.(?:get|setdefault)\()"([A-Z_]+)"'
    return (
        names(by_settings, PROJECT / "kynaplatform" / "settings.py")
        | names(
            by_the_stack, *PROJECT.glob("dev/local_stack/*.py"), *PROJECT.glob("dev/tools/*.py")
        )
        | names(by_the_stack, PROJECT / "detection" / "engine_build.py")
        | names(r"\$\{([A-Z_]+)", PROJECT / "compose.yaml")
    ) - OTHERS


def test_the_example_has_every_setting_that_is_read() -> None:
    assert names(r"^(?:# )?([A-Z_]+)=", PROJECT / ".env.example") == names_read()


def test_what_is_blank_in_the_example_is_what_a_server_needs(tmp_path: Path) -> None:
    """With the secrets as its comments make them, and no more, the settings pass."""
    example = (PROJECT / ".env.example").read_text()
    values = {
        "DATABASE_URL": "postgresql://kynaplatform:password@127.0.0.1:5432/kynaplatform",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "CELERY_BROKER_URL": "redis://127.0.0.1:6379/1",
        "PUBLIC_STREAM_URL": "wss://kyna.example.com/api/detection/stream",
        "ALLOWED_HOSTS": "kyna.example.com",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    for code, name in re.findall(r'^#   python -c "(.+)"\n(\w+)=$', example, re.MULTILINE):
        made = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        values[name] = made.stdout.strip()
    assert sorted(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == sorted(values)
    filled = re.sub(r"^(\w+)=$", lambda line: f"{line[1]}={values[line[1]]}", example, flags=re.M)
    (tmp_path / "env").write_text(filled)
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ENV_FILE": str(tmp_path / "env"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_documentation_has_every_setting_that_is_read() -> None:
    first_cells = names(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", PROJECT / "docs" / "settings.md")
    documented = {name for cell in first_cells for name in re.findall(r"[A-Z_]+", cell)}
    assert documented == names_read()


def test_the_example_sets_nothing_so_that_development_is_filled_in(tmp_path: Path) -> None:
    copied: dict[str, str] = {}
    (tmp_path / ".env").write_text((PROJECT / ".env.example").read_text())
    assert fill(copied, project=tmp_path) is True
    (tmp_path / ".env").unlink()
    bare: dict[str, str] = {}
    assert fill(bare, project=tmp_path) is True
    assert {name: value for name, value in copied.items() if value} == bare
