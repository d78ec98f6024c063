"""The guard of one command: no process of it outlives its starter, `kill -9` included.

It is executed by path as a process of its own (`python -I -S guard.py OPTIONS COMMAND…`). It
imports little, and only of the standard library, because every start waits for it.
"""

import ctypes
import json
import os
import signal
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

STARTER_DIED = signal.SIGUSR1
WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
WATCHED |= {signal.SIGALRM, STARTER_DIED}

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(option, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")


def become_subreaper() -> None:
    """Become the parent of orphans below this process, instead of init."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int, signum: int) -> None:
    """Have the kernel send `signum` when `parent`, the process that forked this one, dies.

    The kernel watches the thread that forked. So only a main thread may fork.
    """
    prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it died before the line above
        os.kill(os.getpid(), signum)


def children_of(parent: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    # the name, in parentheses, may hold anything
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry))
    return found


def kill_descendants() -> None:
    """SIGKILL everything below this subreaper, generation by generation, and reap it."""
    while True:
        for child in children_of(os.getpid()):
            os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def become_command(options: dict[str, Any], command: list[str], guard: int) -> NoReturn:
    try:
        if options["user"] is not None:
            os.setgroups([])
            os.setresgid(*[options["group"]] * 3)
            os.setresuid(*[options["user"]] * 3)
        # After the change of user, which forgets the death signal.
        die_with(guard, options["death_signal"])
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvpe(command[0], command, os.environ)  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def reap(command: int) -> int | None:
    """Reap what has ended, orphans included. Returns the command's exit status once it has one."""
    status = None
    while True:
        try:
            pid, raw = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == command:
            status = os.waitstatus_to_exitcode(raw)


def stand_guard(options: dict[str, Any], command: int) -> int:
    """Pass signals on until the command ends, or end it when the starter dies.

    Returns its exit status.
    """
    while True:
        arrived = signal.sigwait(WATCHED)
        if arrived == signal.SIGCHLD:
            status = reap(command)
            if status is not None:
                return status
        elif arrived == STARTER_DIED:
            os.kill(command, options["death_signal"])
            signal.setitimer(signal.ITIMER_REAL, options["death_seconds"])
        elif arrived == signal.SIGALRM:
            return -signal.SIGKILL
        else:
            os.kill(command, arrived)


def main() -> int:
    options: dict[str, Any] = json.loads(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    become_subreaper()
    guard = os.getpid()
    command = os.fork()
    if command == 0:
        become_command(options, sys.argv[2:], guard)
    die_with(options["starter"], STARTER_DIED)
    status = stand_guard(options, command)
    kill_descendants()
    if options["remove"]:
        import shutil

        for path in options["remove"]:
            shutil.rmtree(path, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
