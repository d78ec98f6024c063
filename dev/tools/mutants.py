"""`python -m dev.tools.mutants [NAME…]`: whether the tests notice each fault of tests/mutants.

A patch puts one small fault into the code. Its first line, `Tests: PATHS`, names the tests that
must fail then. Each is tried in a git worktree of HEAD. NAME is the beginning of a patch's name.
Exits with 1 if a fault survives or a patch does not apply.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

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
    parser.add_argument("--processes", type=int, default=1, help="patches at once (default 1)")
    options = parser.parse_args()
    patches = [
        patch
        for patch in sorted((PROJECT / "tests" / "mutants").glob("*.patch"))
        if not options.names or patch.name.startswith(tuple(options.names))
    ]
    free = SimpleQueue[Path]()

    def tried(patch: Path) -> str:
        worktree = free.get()
        try:
            return outcome(patch, worktree)
        finally:
            free.put(worktree)

    are_caught = []
    with tempfile.TemporaryDirectory(prefix="kynaplatform-mutants-") as folder:
        worktrees = [Path(folder, str(number)) for number in range(options.processes)]
        try:
            for worktree in worktrees:
                run("git", "worktree", "add", "--quiet", "--detach", worktree, "HEAD", cwd=PROJECT)
                free.put(worktree)
            with ThreadPoolExecutor(options.processes) as threads:
                for patch, found in zip(patches, threads.map(tried, patches), strict=True):
                    say(f"{patch.stem}: {found}")
                    are_caught.append(found == "killed")
        finally:
            for worktree in worktrees:
                run("git", "worktree", "remove", "--force", worktree, cwd=PROJECT)
    return 0 if are_caught and all(are_caught) else 1


if __name__ == "__main__":
    sys.exit(main())
