import os
import signal
import subprocess
import sys
from pathlib import Path

from stack_processes import is_deserted, processes_of

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from tests.waiting import comes_true

# A child, a grandchild in a session of its own, and an orphan whose parent has gone.
FAMILY = """
import os, subprocess, sys, time
folder = sys.argv[1]
sleeper = [sys.executable, "-c", "import time; time.sleep(600)", folder]
subprocess.Popen(sleeper, start_new_session=True)
if os.fork() == 0:
    subprocess.Popen(sleeper)
    os._exit(0)
os.wait()
open(folder + "/ready", "w").close()
time.sleep(600)
"""
STARTER = """
import os, sys, time
from dev.local_stack import processes
processes.start([sys.executable, "-c", sys.argv[1], sys.argv[2]], env=os.environ)
time.sleep(600)
"""


def start_family(folder: Path) -> "subprocess.Popen[bytes]":
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, FAMILY, str(folder)], cwd=PROJECT, env=os.environ
    )
    assert comes_true((folder / "ready").exists)
    return starter


def test_it_ends_every_descendant_when_the_starter_is_killed(tmp_path: Path) -> None:
    starter = start_family(tmp_path)
    # The starter, the guard, the child, the grandchild and the orphan.
    assert comes_true(lambda: len(processes_of(tmp_path)) == 5)
    starter.kill()
    starter.wait()
    assert is_deserted(tmp_path)


def test_it_ends_every_descendant_when_the_command_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FAMILY, str(tmp_path)]
    process = processes.start(command, env=os.environ)
    assert comes_true((tmp_path / "ready").exists)
    process.terminate()
    assert process.wait() == 128 + signal.SIGTERM
    assert processes_of(tmp_path) == []


def test_the_command_dies_with_a_guard_that_is_killed(tmp_path: Path) -> None:
    sleeper = ["sleep", "600"]
    process = processes.start(sleeper, env=os.environ | {"MARKER": str(tmp_path)})
    assert comes_true(lambda: len(processes_of(tmp_path)) == 2)
    process.kill()
    process.wait()
    assert is_deserted(tmp_path)


def test_it_deletes_its_folders_when_the_starter_is_killed(tmp_path: Path) -> None:
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    script = (
        "import os, sys, time\nfrom pathlib import Path\nfrom dev.local_stack import processes\n"
        "processes.start(['sleep', '600'], env=os.environ, remove=[Path(sys.argv[1])])\n"
        "print(flush=True)\ntime.sleep(600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(doomed)], cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    starter.stdout.readline()
    starter.kill()
    starter.communicate()
    assert is_deserted(doomed)
    assert not doomed.exists()
