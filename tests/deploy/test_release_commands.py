"""deploy/upgrade and deploy/rollback; in `make faults` whole releases have them under systemd"""

import fcntl
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.deploy.release_machine import ReleaseMachine
from tests.long_runs import at_length
from tests.plugin import installed

OLD = "kynaplatform"
# Whose upgrade waits for less.
MACHINE = (PROJECT / "deploy/machine.py").read_text()
HURRIED = {"deploy/machine.py": re.sub(r"(READY|STEADY)(_SECONDS = ).*", r"\g<1>\g<2>2.0", MACHINE)}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[ReleaseMachine]:
    installed("git")
    made = ReleaseMachine(tmp_path)
    yield made
    made.stop()


def upgraded(machine: ReleaseMachine, form: int, **files: str) -> str:
    name = machine.release(form, **files)
    done = machine.upgrade()
    assert done.returncode == 0, done.stdout + done.stderr
    return name


def installed_on(machine: ReleaseMachine) -> str:
    name = machine.release(5)
    machine.clone()
    machine.upgrade()
    return name


def all_on(machine: ReleaseMachine, name: str) -> dict[str, str]:
    return dict.fromkeys(machine.units, name)


def target_of(machine: ReleaseMachine, link: str) -> str:
    return (machine.root / link).resolve().name


def test_it_installs(machine: ReleaseMachine) -> None:
    name = machine.release(5)
    machine.clone()
    (machine.etc / "kynaplatform-api.env").touch()
    done = machine.upgrade()
    assert done.returncode == 0, done.stderr
    assert machine.runs() == all_on(machine, name)
    told = machine.steps()
    renewed = told.index(f"manage.py create_database_roles in {name}")
    assert renewed < told.index(next(step for step in told if "systemctl restart" in step))
    assert target_of(machine, "current") == name
    assert not (machine.root / "before").exists()
    full = (machine.root / "current/revision").read_text()
    assert re.fullmatch(rf"BUILD_REVISION={name}[0-9a-f]{{28}}\n", full)
    units = machine.folder / "etc/systemd/system"
    assert (units / "kynaplatform-.service.d/common.conf").exists()


def test_all_is_built_before_anything_stops_and_switched_after_migrate(
    machine: ReleaseMachine,
) -> None:
    machine.release(3)
    machine.install_as_before_this_layout()
    before = machine.pids()
    name = machine.release(5)
    machine.fail("manage.py migrate")
    assert machine.upgrade().returncode == 1
    assert machine.pids() == before
    built = machine.steps()
    assert [step.partition(" in ")[0] for step in built] == [
        "pip install --quiet --disable-pip-version-check -r"
        f" {machine.root}/releases/{name}/requirements.txt",
        "pip install --quiet --disable-pip-version-check --target"
        f" {machine.root}/releases/{name}/.mypyc --upgrade -r"
        f" {machine.root}/releases/{name}/requirements-mypyc.txt",
        "compile ",
        "make web",
        "manage.py collectstatic --no-input --verbosity=0",
        "manage.py migrate --no-input",
    ]
    assert not (machine.root / "current").exists()
    machine.fail("")
    assert machine.upgrade().returncode == 0
    first, last = machine.units[1:]
    assert [step for step in machine.steps() if "daemon-reload" not in step] == [
        *(f"manage.py {words} in {name}" for words in (
            "migrate --no-input", "rotate_signing_key --if-missing", "load_catalogue",
        )),
        *(f"systemctl restart {unit} in {machine.folder.name}/opt/kynaplatform".replace(
            f"{machine.folder.name}/opt/", "") for unit in (machine.units[0], first, last)),
        f"systemctl enable --quiet kynaplatform.target in {OLD}",
    ]  # fmt: skip
    assert machine.runs() == all_on(machine, name)
    assert target_of(machine, "before") == OLD


def test_a_page_of_the_release_before_finds_its_static_files(machine: ReleaseMachine) -> None:
    machine.release(3)
    machine.install_as_before_this_layout()
    upgraded(machine, 5)
    served = machine.root / "staticfiles"
    assert sorted(path.name for path in served.iterdir()) == [
        "page.3.css", "page.5.css", "staticfiles.json",
    ]  # fmt: skip
    # The code before, which runs in that folder's parent, reads which of its names has which hash.
    assert (served / "staticfiles.json").read_text() == "3"


@at_length("step", "load_catalogue", "pip")
def test_what_runs_goes_on_where_a_step_fails(machine: ReleaseMachine, step: str) -> None:
    machine.release(3)
    machine.install_as_before_this_layout()
    units = machine.folder / "etc/systemd/system/kynaplatform-.service.d/common.conf"
    before = machine.pids(), units.read_text()
    machine.release(5)
    machine.fail(step)
    done = machine.upgrade()
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"FAILED: `.*` ended with 3\. Nothing was restarted\. Mend it, and run this again\.", told
    )
    assert (machine.pids(), units.read_text()) == before
    assert not (machine.root / "current").exists()


def test_a_server_that_does_not_start_is_the_last_and_it_goes_on_from_there(
    machine: ReleaseMachine,
) -> None:
    machine.release(3)
    machine.install_as_before_this_layout()
    api, first, last = machine.units
    before = machine.pids()
    name = machine.release(5)
    machine.fail(f"restart {first}")
    done = machine.upgrade()
    assert done.returncode == 1
    assert f"See `journalctl -u {first}`. What was not restarted runs as before." in done.stderr
    assert machine.runs() == {api: name, first: OLD, last: OLD}
    assert {unit: machine.pids()[unit] for unit in (first, last)} == {
        unit: before[unit] for unit in (first, last)
    }
    held = machine.folder / f"run/systemd/system/{last}.d/zz-release.conf"
    # Whatever ends begins again with the code and by the unit that it had.
    assert f"\nWorkingDirectory={machine.root}\n" in held.read_text()
    machine.steps()
    machine.fail("")
    pid = machine.pids()[api]
    assert machine.upgrade().returncode == 0
    assert machine.runs() == all_on(machine, name)
    assert machine.pids()[api] == pid
    assert not held.exists()
    assert not any(step.startswith(("pip", "compile")) for step in machine.steps())
    assert target_of(machine, "before") == OLD


def test_a_release_that_was_gone_back_from_is_no_way_back_until_it_is_whole_again(
    machine: ReleaseMachine,
) -> None:
    good = installed_on(machine)
    upgraded(machine, 5, gone_back_from="")
    assert machine.roll_back().returncode == 0
    machine.fail(f"restart {machine.units[0]}")
    assert machine.upgrade().returncode == 1
    machine.fail("")
    last = upgraded(machine, 5, mended="")
    assert machine.runs() == all_on(machine, last)
    assert target_of(machine, "before") == good


def test_the_same_engine_is_not_compiled_again(machine: ReleaseMachine) -> None:
    installed_on(machine)

    def compiled(**files: str) -> int:
        machine.steps()
        upgraded(machine, 5, **files)
        assert len([*(machine.root / "current/detection/built").iterdir()]) == 1
        return [step.split()[0] for step in machine.steps()].count("compile")

    assert compiled(another="") == 0
    assert compiled(**{"requirements-mypyc.txt": "mypy==2\n"}) == 1
    assert compiled(**{"detection/engine/hold.py": "A = 1\n"}) == 1


def test_the_way_back_keeps_one_runtime_where_states_differ(machine: ReleaseMachine) -> None:
    machine.release(3)
    machine.install_as_before_this_layout()
    name = upgraded(machine, 5)
    machine.steps()
    api, first, last = machine.units
    pid = machine.pids()[last]
    done = machine.roll_back()
    assert done.returncode == 0, done.stderr
    assert machine.runs() == {api: OLD, first: OLD, last: name}
    assert machine.pids()[last] == pid
    assert not any("manage.py" in step or last in step for step in machine.steps())
    own = (machine.folder / f"run/systemd/system/{last}.d/zz-release.conf").read_text()
    for line in (
        "Type=notify", "NotifyAccess=main", "WatchdogSec=3s",
        f"WorkingDirectory={machine.root}/releases/{name}",
    ):  # fmt: skip
        assert f"\n{line}\n" in own
    units = machine.folder / "etc/systemd/system/kynaplatform-.service.d/common.conf"
    assert "WorkingDirectory=/opt/kynaplatform\n" in units.read_text()
    assert f"When few are left, run {machine.root}/rollback --finish\n" in done.stdout
    assert machine.roll_back("--finish").returncode == 0
    assert machine.runs() == all_on(machine, OLD)
    # And forward again, to what is built.
    assert machine.upgrade().returncode == 0
    assert machine.runs() == all_on(machine, name)
    assert not any(step.startswith("pip") for step in machine.steps())


@pytest.mark.long
def test_the_way_back_stops_what_the_release_before_does_not_have(machine: ReleaseMachine) -> None:
    installed_on(machine)
    added = f"kynaplatform-pages@{free_port(also_free=1000)}.service"
    before = [*machine.units]
    machine.units.append(added)
    upgraded(machine, 5)
    assert set(machine.runs()) == {*before, added}
    assert machine.roll_back().returncode == 0
    assert set(machine.runs()) == {*before}


def test_what_is_refused_changes_nothing(machine: ReleaseMachine) -> None:
    first = installed_on(machine)
    back = machine.roll_back()
    assert (back.returncode, back.stderr) == (
        1, "FAILED: No release ran before this one on this machine.\n"
    )  # fmt: skip
    assert machine.runs() == all_on(machine, first)
    second = upgraded(machine, 5, another="")
    before = machine.pids()
    machine.steps()
    older = machine.upgrade(first)
    machine.release(5, third="")
    with (machine.root / "releases/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        at_once = machine.upgrade()
    for done, told in (
        (older, f"To go back run {machine.root}/rollback.\n"),
        (at_once, "\nFAILED: Another upgrade or rollback runs.\n"),
    ):
        assert done.returncode == 1
        assert done.stderr.endswith(told)
    assert machine.steps() == []
    assert (machine.pids(), target_of(machine, "current")) == (before, second)


@pytest.mark.long
def test_three_releases_are_kept(machine: ReleaseMachine) -> None:
    names = [installed_on(machine)]
    names += [upgraded(machine, 5, number=str(number)) for number in range(3)]
    there = {path.name for path in (machine.root / "releases").glob("[!.]*")}
    assert there == {*names[1:]}


@pytest.mark.long
def test_what_failed_before_a_switch_is_no_way_back(machine: ReleaseMachine) -> None:
    first = installed_on(machine)
    second = upgraded(machine, 5, another="")
    before = machine.pids()
    machine.release(5, third="")
    machine.fail("pip")
    assert machine.upgrade().returncode == 1
    done = machine.roll_back()
    assert done.returncode == 0, done.stderr
    again = f"To go back to {first} run {machine.root}/rollback again"
    assert f"==> The last upgrade had switched nothing. {again}\n" in done.stdout
    assert machine.pids() == before
    assert target_of(machine, "current") == second
    machine.roll_back()
    assert machine.runs() == all_on(machine, first)


def test_a_way_back_that_is_interrupted_goes_on(machine: ReleaseMachine) -> None:
    """Where the code before has no such command."""
    machine.release(5)
    for name in ("upgrade", "rollback", "release.py", "machine.py"):
        (machine.source / "deploy" / name).unlink()
    machine.install_as_before_this_layout()
    name = upgraded(machine, 5)
    machine.fail(f"restart {machine.units[0]}")
    done = machine.roll_back()
    assert done.returncode == 1
    assert done.stderr.endswith(
        " What was not restarted runs as before."
        f" Mend it and run {machine.root}/rollback again.\n"
    )  # fmt: skip
    assert set(machine.runs().values()) == {name}
    machine.fail("")
    assert machine.roll_back().returncode == 0
    assert machine.runs() == all_on(machine, OLD)


@at_length("is_committed", True, False)
def test_what_you_changed_in_a_checkout_is_not_dropped(
    machine: ReleaseMachine, is_committed: bool
) -> None:
    machine.release(5)
    machine.install_as_before_this_layout()
    before = machine.pids()
    with (machine.root / "deploy/systemd/kynaplatform-api@.service").open("a") as unit:
        unit.write("# mine\n")
    if is_committed:
        machine.git("commit", "--quiet", "--all", "-m", "mine", where=machine.root)
    machine.release(5, another="")
    done = machine.upgrade()
    assert done.returncode == 1
    assert re.search(
        r"FAILED: What runs has changes that \w+ lacks\. To keep them name", done.stderr
    )
    assert machine.steps() == []
    assert machine.pids() == before
    changed = machine.git("stash", "create", where=machine.root).strip() or "HEAD"
    merged = machine.folder / "merged"
    machine.git("worktree", "add", "--quiet", str(merged), changed, where=machine.root)
    machine.git("merge", "--quiet", "origin/main", "-m", "both", where=merged)
    done = machine.upgrade(machine.git("rev-parse", "HEAD", where=merged).strip())
    assert done.returncode == 0, done.stderr
    unit = machine.root / "current/deploy/systemd/kynaplatform-api@.service"
    assert unit.read_text().endswith("# mine\n")


@at_length("kind", "webhooks", "beat")
def test_what_takes_no_requests_is_looked_at_too(machine: ReleaseMachine, kind: str) -> None:
    """A sender by its `/healthz`; beat, which ends and begins again, by its process."""
    (machine.state / "metrics-port").write_text(str(free_port()))
    unit = f"kynaplatform-{kind}.service"
    machine.units.append(unit)
    name = machine.release(5, **HURRIED)
    machine.clone()
    done = machine.upgrade()
    assert done.returncode == 0, done.stderr
    machine.release(5, **HURRIED, **{"is-broken": ""})
    # Those that take requests are not what is broken.
    for other in machine.units[:-1]:
        machine.systemctl("stop", other)
    machine.units[:-1] = []
    done = machine.upgrade()
    assert done.returncode == 1
    assert f"FAILED: {unit} " in done.stderr
    assert f"See `journalctl -u {unit}`. What was not restarted runs" in done.stderr
    assert f"or go back with {machine.root}/rollback.\n" in done.stderr
    assert machine.roll_back().returncode == 0
    assert machine.runs() == {unit: name}


def test_a_migration_that_goes_on_is_not_begun_again(machine: ReleaseMachine) -> None:
    installed_on(machine)
    name = machine.release(5, another="")
    machine.steps()
    process = machine.begin_upgrade("manage.py migrate")
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    done = machine.upgrade()
    assert done.returncode == 1
    assert "FAILED: An earlier migration runs, which `systemctl status migrate-" in done.stderr
    machine.go_on()
    assert [step for step in machine.steps() if "manage.py migrate" in step] == [
        f"manage.py migrate --no-input in {name}"
    ]


def test_what_is_stopped_stays_so_and_is_named(machine: ReleaseMachine) -> None:
    installed_on(machine)
    for unit in machine.units:
        machine.systemctl("stop", unit)
    name = machine.release(5, another="")
    done = machine.upgrade()
    assert done.returncode == 0
    stopped = ", ".join(f"{unit} is stopped" for unit in machine.units)
    assert done.stdout.endswith(f"==> {name} runs, {stopped}\n")
    assert machine.runs() == {}
