"""`python -m dev.tools.mutants [NAME…]`: whether the tests notice each fault of tests/mutants.

A patch puts one small fault into the code. Its first line, `Tests: PATHS`, names the tests that
must fail then. Each is tried in a git worktree of HEAD. A name is the beginning of a patch's. Exits
with 1 if a fault survives or a patch does not apply.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT

# pytest's status where a test failed. Any other says that the tests could not run.
TESTS_FAILED = 1


def run(*command: str | Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    # The tests import the worktree's code, not the project's.
    variables = {**os.environ, "PYTHONPATH": str(cwd)}
    return subprocess.run(  # noqa: S603
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )


def outcome(patch: Path, worktree: Path) -> str:
    first_line, *_ = patch.read_text(encoding="utf-8").splitlines()
    paths = first_line.removeprefix("Tests:").split()
    if not first_line.startswith("Tests:") or not paths:
        return "has no line `Tests: PATHS`"
    if run("git", "apply", patch, cwd=worktree).returncode != 0:
        return "does not apply"
    try:
        tests = run(sys.executable, "-m", "pytest", "-x", "-q", *paths, cwd=worktree)
    finally:
        run("git", "checkout", "--quiet", "--", ".", cwd=worktree)
    if tests.returncode == TESTS_FAILED:
        return "killed"
    return "survived" if tests.returncode == 0 else f"could not be tried:\n{tests.stdout[-2000:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    names: list[str] = parser.parse_args().names
    patches = [
        patch
        for patch in sorted((PROJECT / "tests" / "mutants").glob("*.patch"))
        if not names or patch.name.startswith(tuple(names))
    ]
    is_caught = bool(patches)
    with tempfile.TemporaryDirectory(prefix="kynaplatform-mutants-") as folder:
        worktree = Path(folder, "worktree")
        run("git", "worktree", "add", "--quiet", "--detach", worktree, "HEAD", cwd=PROJECT)
        try:
            for patch in patches:
                found = outcome(patch, worktree)
                say(f"{patch.stem}: {found}")
                is_caught = is_caught and found == "killed"
        finally:
            run("git", "worktree", "remove", "--force", worktree, cwd=PROJECT)
    return 0 if is_caught else 1


if __name__ == "__main__":
    sys.exit(main())
