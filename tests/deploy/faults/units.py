"""The shipped units under a real systemd: upgraded from a release, taken back, and upgraded again.

`python -m tests.deploy.faults.units COMMIT FOLDER PACKAGES` has a network and mounts of its own, as
`through_units` starts it.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from dev.local_stack import processes
from dev.local_stack.console import say
from dev.local_stack.environment import PROJECT, make_secrets
from dev.local_stack.ports import listens
from dev.local_stack.postgres import EmbeddedPostgres
from tests.deploy.composition import PASSWORDS, redis_command
from tests.deploy.faults.film import MOVESPEC, Film
from tests.deploy.faults.judgement import wrong_creates, wrong_sessions
from tests.deploy.faults.machine import (
    SystemdMachine,
    booted,
    bring_loopback_up,
    fetch_packages,
    git,
    todays_commit,
)
from tests.deploy.faults.run import LIVE_SECONDS, trusting
from tests.deploy.faults.stage import LIFETIMES, StageFailedError
from tests.deploy.faults.streams import abandon, stream
from tests.deploy.faults.traffic import Traffic, created_by, project_of
from tests.deploy.installation import find_python
from tests.deploy.proxy import start_nginx, upstreams_of, write_site
from tests.server import GENEROUS_LIMITS

STREAMS = 30
# In a network of its own every port is free.
PROXY, POSTGRES, REDIS = 443, 5432, 6379
UPSTREAMS = upstreams_of([8000, 8010], [8001, 8011], [8003, 8013], [9000, 9010])
URL = f"https://localhost:{PROXY}"
# As docs/operations.md of that code has it: in a checkout before there was deploy/upgrade.
INSTALL_IN_CHECKOUT = """
git clone --quiet --shared {project} /opt/kynaplatform && cd /opt/kynaplatform
git -c advice.detachedHead=false checkout --quiet {commit}
python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt
ENV_FILE=/etc/kynaplatform/env .venv/bin/python manage.py collectstatic --no-input --verbosity 0
cp -r deploy/systemd/* /etc/systemd/system/ && systemctl daemon-reload
systemctl start kynaplatform-migrate && systemctl enable --now kynaplatform.target
"""
CLONE = "git clone --quiet --shared --no-checkout {project} /opt/kynaplatform"
UPGRADE = """
cd /opt/kynaplatform && git show {commit}:deploy/upgrade > /run/upgrade && sh /run/upgrade {commit}
"""
# A process of an API that is started again in the middle of it answers as it did before.
KILLING = """
(while sleep 8; do
    api=$(systemctl show --property=MainPID --value kynaplatform-api@8000)
    pkill --newest --parent "$api" || :
done) &
trap "kill $!" EXIT
"""
ROLL_BACK = "/opt/kynaplatform/rollback"
WHAT_RUNS = """
for pid in $(systemctl show --property=MainPID --value 'kynaplatform-*.service'); do
    [ "$pid" = 0 ] || readlink "/proc/$pid/cwd"
done
readlink -f /opt/kynaplatform/before
"""
MANAGE = """
cd /opt/kynaplatform && if [ -e current ]; then cd current; fi
ENV_FILE=/etc/kynaplatform/env .venv/bin/python manage.py"""


def through_units(commit: str, folder: Path) -> bool:
    """Whether no stream and no create is lost on the way from this release, back, and again."""
    python = find_python()
    assert python is not None
    packages = PROJECT / ".pytest_cache" / "machine"
    packages.mkdir(parents=True, exist_ok=True)
    before = folder / "requirements-before.txt"
    before.write_text(git("show", f"{commit}:requirements.txt"))
    fetch_packages(python, [before, PROJECT / "requirements.txt"], packages)
    apart = ["unshare", "--net", "--mount", "--propagation=private"]
    scene = [sys.executable, "-m", __name__, commit, folder, packages]
    process = processes.start([*apart, *scene], env=os.environ, cwd=PROJECT)
    try:
        return process.wait() == 0
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 30)])


def main(commit: str, folder: Path, packages: Path) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bring_loopback_up()
    today = todays_commit()
    with ExitStack() as stack:
        database = EmbeddedPostgres(folder / "database", tcp_port=POSTGRES)
        database.start()
        stack.callback(database.stop)
        start_redis(folder, stack)
        machine = stack.enter_context(booted(folder, packages))
        write_settings(machine, database.url)
        say(f"{commit} is installed …")
        machine.run("useradd --system --no-create-home kynaplatform")
        has_upgrade = git("ls-tree", "--name-only", commit, "deploy/upgrade") != ""
        script = CLONE + UPGRADE if has_upgrade else INSTALL_IN_CHECKOUT
        machine.run(script.format(project=PROJECT, commit=commit))
        write_site(folder, PROXY, UPSTREAMS)
        nginx = start_nginx(folder)
        stack.callback(lambda: processes.stop(nginx, signals=[]))
        wait_until(lambda: listens(PROXY), "nginx serves")
        stack.enter_context(trusting(folder / "kyna.crt"))
        try:
            wrong = be_upgraded_and_taken_back(machine, commit, today, database.url, folder)
        except StageFailedError as failure:
            (folder / "journal.log").write_text(machine.run("journalctl --no-pager"))
            wrong = [str(failure)]
    for fault in wrong:
        say(f"WRONG: {fault}")
    if not wrong:
        say(f"{STREAMS} streams went on from {commit}, back and again. Every frame counts once.")
    return 1 if wrong else 0


def be_upgraded_and_taken_back(
    machine: SystemdMachine, commit: str, today: str, database_url: str, folder: Path
) -> list[str]:
    movespec = git("show", f"{commit}:{MOVESPEC}")
    made = machine.run(f"{MANAGE} bootstrap_project --json")
    project = project_of(made, URL, folder / "kyna.crt", movespec)
    keys = [f"stream-{number}" for number in range(STREAMS)]
    created = {key: created_by(project.api, key) for key in keys}
    film = Film(movespec)
    traffic = Traffic(project.api, {key: one["session_id"] for key, one in created.items()})
    streams = stream([*created.values()], film)
    try:
        traffic.start()
        for what, script in {
            "upgraded": KILLING + UPGRADE.format(commit=today),
            "taken back": ROLL_BACK,
            "upgraded again": UPGRADE.format(commit=today),
        }.items():
            began_at = time.monotonic()
            for line in machine.run(script).splitlines():
                if line.startswith("==>"):
                    say(line)
            wait_until(lambda: all(one.is_live for one in streams), "every stream goes on")
            say(f"It was {what} in {time.monotonic() - began_at:.0f} s.")
        film.end()
        wait_until(lambda: all(one.has_ended for one in streams), "all have ended")
        traffic.end()
        traffic.repeat_unanswered()
        wrong = wrong_sessions(streams, film, project.rest, database_url, is_upgraded=True)
        wrong += wrong_creates(traffic, database_url)
        if kept := re.search(r"\S+ --finish", machine.run(ROLL_BACK)):
            machine.run(kept[0])
        return wrong + wrong_units(machine)
    finally:
        traffic.end()
        abandon(streams)


def wrong_units(machine: SystemdMachine) -> list[str]:
    """Of a machine that is back: those that do not run the code before."""
    *folders, before = machine.run(WHAT_RUNS).split()
    return [f"A unit runs {folder}, not {before}" for folder in folders if folder != before]


def start_redis(folder: Path, stack: ExitStack) -> None:
    here = ["--bind", "127.0.0.1", "--port", str(REDIS), "--dir", str(folder), "--save", ""]
    with (folder / "redis.log").open("ab") as log:
        redis = processes.start([*redis_command(), *here], env={"PATH": os.defpath}, stdout=log)
    stack.callback(lambda: processes.stop(redis, signals=[]))
    wait_until(lambda: listens(REDIS), "Redis serves")


def write_settings(machine: SystemdMachine, database_url: str) -> None:
    redis = f"redis://:{PASSWORDS['REDIS_PASSWORD']}@127.0.0.1:{REDIS}"
    settings = make_secrets() | GENEROUS_LIMITS | LIFETIMES
    settings |= {"DATABASE_URL": database_url, "REDIS_URL": f"{redis}/0"}
    settings |= {"CELERY_BROKER_URL": f"{redis}/1", "ALLOWED_HOSTS": "localhost"}
    settings |= {"TRUSTED_PROXIES": "127.0.0.1", "METRICS_TOKEN": "metrics-of-the-faults"}
    settings |= {"PUBLIC_STREAM_URL": f"wss://localhost:{PROXY}/api/detection/stream"}
    file = machine.root / "etc/kynaplatform/env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    file.chmod(0o600)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIVE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise StageFailedError(f"After {LIVE_SECONDS:g} s it was still not so: {what}")
        time.sleep(0.05)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
    except StageFailedError as failure:
        sys.exit(f"It could not be carried out: {failure}")
