"""Every setting that is read is in .env.example and docs/settings.md, and none besides."""

import re
from pathlib import Path

from local_stack.environment import PROJECT, fill

# Not settings of ours: Django's, Python's, WSGI's, the C compiler's and the tests' own.
OTHERS = {"DJANGO_SETTINGS_MODULE", "PYTHONWARNINGS", "PATH_INFO", "CI", "CC"}


def names(pattern: str, *paths: Path) -> set[str]:
    return {name for path in paths for name in re.findall(pattern, path.read_text(), re.MULTILINE)}


def names_read() -> set[str]:
    by_settings = r'\b\w+\("([A-Z_]+)"'
    by_the_stack = r'(?:environ|variables)(?:\[|\.(?:get|setdefault)\()"([A-Z_]+)"'
    return (
        names(by_settings, PROJECT / "kynaplatform" / "settings.py")
        | names(by_the_stack, *PROJECT.glob("local_stack/*.py"), *PROJECT.glob("tools/*.py"))
        | names(by_the_stack, PROJECT / "detection" / "engine_build.py")
        | names(r"\$\{([A-Z_]+)", PROJECT / "compose.yaml")
    ) - OTHERS


def test_the_example_has_every_setting_that_is_read() -> None:
    assert names(r"^(?:# )?([A-Z_]+)=", PROJECT / ".env.example") == names_read()


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
