"""What deploy/upgrade and deploy/rollback do on a machine with systemd: docs/upgrades.md.

Below /opt/kynaplatform are `releases`, a folder for each, with an environment of its own; `current`
and `before`, links to what runs and what ran; `rollback`, one to the newest release's command;
`staticfiles`, those of all, which nginx serves. An installation from before this layout is a
release too: /opt/kynaplatform itself.
"""

import argparse
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from machine import (
    ETC,
    PREFIX,
    ROOT,
    UNITS,
    StepFailedError,
    await_steady,
    hold,
    in_order,
    reload_systemd,
    run,
    running,
    runs,
    service_lines,
    shown,
    step,
    take,
    tell,
)

RELEASES = ROOT / "releases"
CURRENT, BEFORE = ROOT / "current", ROOT / "before"
# There from the start of an upgrade until it switches.
ATTEMPT = RELEASES / ".attempt"
ROLLBACK = ROOT / "rollback"
KEPT_RELEASES = 3
# Outside of `kynaplatform-*`, whose drop-in is that of the release before.
MIGRATING = "migrate-kynaplatform.service"


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=["upgrade", "rollback"])
    parser.add_argument(
        "--finish", action="store_true", help="restart the runtime that rollback kept on newer code"
    )
    options = parser.parse_args()
    os.umask(0o022)
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit("FAILED: Python 3.11, 3.12 or 3.13 is needed: PYTHON=python3.12 deploy/…")
    if os.geteuid() != 0 and not PREFIX:
        sys.exit("FAILED: Run it as root.")
    if options.command == "rollback" and not BEFORE.exists():
        sys.exit("FAILED: No release ran before this one on this machine.")
    try:
        if options.command == "upgrade":
            upgrade(Path(__file__).resolve().parents[1])
        else:
            roll_back(is_finishing=options.finish)
    except (StepFailedError, OSError) as failure:
        print(f"FAILED: {str(failure).removesuffix('.')}. {what_to_do()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run it again to go on.", file=sys.stderr)
        return 130
    return 0


def what_to_do() -> str:
    if ATTEMPT.exists():
        return "Nothing was restarted. Mend it, and run this again."
    command, *words = sys.argv[1:]
    again = " ".join(["run", str(ROLLBACK), *words, "again"])
    if command == "upgrade":
        again = f"run this again, or go back with {ROLLBACK}"
    return f"What was not restarted runs as before. Mend it and {again}."


def upgrade(release: Path) -> None:
    current = current_release()
    has_ended = current == ROOT or (current / "complete").exists()
    if has_ended:
        ATTEMPT.touch()
    # An upgrade that did not end, to this release or another, has left it where it was.
    before = current if has_ended and current != release else BEFORE.resolve()
    build(release)
    publish_static_files(release)
    migrate(release)
    started = wanted(release)
    if (before / ".venv").exists():
        started -= wanted(before)
        point(BEFORE, before)
    point(ROLLBACK, release / "deploy" / "rollback")
    # It may have been complete before it was gone back from.
    (release / "complete").unlink(missing_ok=True)
    switch(release, started=started)
    (release / "complete").touch()
    remove_older_releases()
    tell_what_runs(release)


def roll_back(*, is_finishing: bool) -> None:
    """Neither tables nor catalogue go back: older code works on newer ones."""
    has_switched = not ATTEMPT.exists()
    release = BEFORE.resolve() if has_switched else current_release()
    for unit in in_order(wanted(current_release()) - wanted(release)):
        step(f"Stopping {unit}, which {named(release)} doesn't have")
        run("systemctl", "disable", "--now", unit)
    kept = None if is_finishing else runtime_to_keep(release)
    switch(release, kept=kept)
    if kept is not None:
        step(
            f"{kept} stays on the newer code, since {named(release)} can't read the states of its "
            f"streams. When few are left, run {ROLLBACK} --finish"
        )
    if not has_switched:
        before = named(BEFORE.resolve())
        step(f"The last upgrade had switched nothing. To go back to {before} run {ROLLBACK} again")
    tell_what_runs(release)


def current_release() -> Path:
    return CURRENT.resolve() if CURRENT.exists() else ROOT


def tell_what_runs(release: Path) -> None:
    stopped = in_order(wanted(release) - {*running()})
    step(", ".join([f"{named(release)} runs", *(f"{unit} is stopped" for unit in stopped)]))


# What is before anything stops.


def build(release: Path) -> None:
    """What of it is not built yet."""
    python = release / ".venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not (release / "installed").exists():
        step(f"Installing what {named(release)} needs")
        run(sys.executable, "-m", "venv", "--clear", release / ".venv")
        run(*pip, "-r", release / "requirements.txt")
        # The services may not write beside the source.
        run(
            python, "-m", "compileall", "-q", "-x", r"/(\.venv|node_modules)/", release, cwd=release
        )
        (release / "installed").touch()
    compile_engine(release, python, pip)
    if build_camera(release) or not (release / "staticfiles" / "staticfiles.json").exists():
        step("Collecting static files")
        words = ("manage.py", "collectstatic", "--no-input", "--verbosity=0")
        run(python, *words, cwd=release, env={"ENV_FILE": str(ETC / "env")})


def build_camera(release: Path) -> bool:
    """Of the session page and of /try. Whether there is a new one."""
    if (release / "tryout/static/tryout/built").exists():
        return False
    if shutil.which("npm") is None:
        step("The session page and /try have no camera, which Node 20 with npm would build")
        return False
    step("Building the camera of the session page and of /try")
    run("make", "web", cwd=release)
    shutil.rmtree(release / "clients" / "node_modules", ignore_errors=True)
    return True


def compile_engine(release: Path, python: Path, pip: list[object]) -> None:
    asked = "from detection.engine_build import FOLDER, build_below; print(build_below(FOLDER))"
    compiled = Path(tell(python, "-c", asked, cwd=release))
    own = compiled.relative_to(release)
    alike = [one for one in releases() if compiler_of(one) == compiler_of(release)]
    there = next((one for one in [release, *alike] if (one / own).is_dir()), None)
    if there is not None and there != release:
        step(f"Taking the compiled engine of {named(there)}: its source is the same")
        shutil.copytree(there / own, compiled.with_suffix(".new"), dirs_exist_ok=True)
        compiled.with_suffix(".new").rename(compiled)
    elif there is None and shutil.which("gcc") is None:
        step(
            "The engine stays Python, four times as slow. For a compiled one run "
            "`apt-get install gcc python3-dev`, run this again, and restart the runtimes"
        )
        return
    elif there is None:
        step("Compiling the engine, which takes some minutes")
        tools = release / ".mypyc"
        run(*pip, "--target", tools, "--upgrade", "-r", release / "requirements-mypyc.txt")
        run(python, "-m", "dev.tools.compile_engine", cwd=release, env={"PYTHONPATH": str(tools)})
        shutil.rmtree(tools, ignore_errors=True)
    loaded = "import detection, sys; sys.exit(detection.ENGINE_BUILD.reason or 0)"
    run(python, "-c", loaded, cwd=release)


def compiler_of(release: Path) -> str:
    files = (release / "requirements-mypyc.txt", release / "dev/tools/compile_engine.py")
    return "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists())


def publish_static_files(release: Path) -> None:
    """Beside those of the releases before, whose pages go on to ask for theirs."""
    step("Publishing static files")

    def place(source: str, target: str) -> None:
        # nginx serves it: it is whole at every moment.
        shutil.copy2(source, f"{target}.new")
        os.replace(f"{target}.new", target)

    # Which names have which hash: each release reads its own.
    ignored = shutil.ignore_patterns("staticfiles.json")
    own, shared = release / "staticfiles", ROOT / "staticfiles"
    shutil.copytree(own, shared, copy_function=place, ignore=ignored, dirs_exist_ok=True)


# From here on it is the database, and what runs.


def migrate(release: Path) -> None:
    """By the release's own unit, which is not installed yet."""
    # One that was interrupted goes on.
    if shown(MIGRATING)[0]["ActiveState"] in ("active", "activating"):
        raise StepFailedError(
            f"An earlier migration runs, which `systemctl status {MIGRATING}` shows"
        )
    step("Migrating the database, while the release before runs")
    units = release / "deploy" / "systemd"
    lines = service_lines(units / "kynaplatform-migrate.service")
    commands = [line.split("=", 1)[1].split() for line in lines if line.startswith("ExecStart=")]
    # With roles of their own in the database the services may do nothing with a new table.
    if (ETC / "kynaplatform-api.env").exists():
        commands.append([*commands[0][:-2], "create_database_roles"])
    lines += service_lines(units / "kynaplatform-.service.d" / "common.conf")
    properties = [
        f"--property={line.replace('%p', 'kynaplatform-migrate')}"
        for line in lines
        if not line.startswith(("ExecStart=", "Type=", "WorkingDirectory=", "RestartSec="))
    ]
    for command in commands:
        run(
            *("systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={MIGRATING}"),
            *properties,
            f"--property=WorkingDirectory={release}",
            *command,
        )


def switch(release: Path, *, started: Iterable[str] = (), kept: str | None = None) -> None:
    """Restart what runs, one after the other, and start what is in `started`."""
    units = in_order({*running(), *started})
    # The new units are not those of what still runs the code before: where one has a watchdog that
    # the other doesn't know systemd would kill it, and what ends would begin with the new code.
    for unit in units:
        hold(unit)
    reload_systemd()
    step(f"Switching to {named(release)}")
    ATTEMPT.unlink(missing_ok=True)
    point(CURRENT, release)
    install_units(release)
    reload_systemd()
    for unit in units:
        if unit != kept:
            take(unit, release)
    await_steady(units)
    run("systemctl", "enable", "--quiet", "kynaplatform.target")


def install_units(release: Path) -> None:
    own = release / "deploy" / "systemd"
    shutil.copytree(own, UNITS, dirs_exist_ok=True)
    others = {file.name for other in releases() for file in (other / "deploy/systemd").iterdir()}
    for name in others - {file.name for file in own.iterdir()}:
        (UNITS / name).unlink(missing_ok=True)


def runtime_to_keep(release: Path) -> str | None:
    """One of several, where `release` can't read the states of its streams."""
    runtimes = [unit for unit in in_order(running()) if "-realtime@" in unit]
    newer = [unit for unit in runtimes if form_of_states(runs(unit)) != form_of_states(release)]
    return newer[-1] if newer and len(runtimes) > 1 else None


def form_of_states(release: Path | None) -> str:
    for file in (release or CURRENT).glob("detection/engine/*.py"):
        if found := re.search(r"^SNAPSHOT_FORM = (\d+)$", file.read_text(), re.MULTILINE):
            return found[1]
    raise StepFailedError(f"{release} doesn't tell the form of its states.")


def remove_older_releases() -> None:
    used = {CURRENT.resolve(), BEFORE.resolve(), *map(runs, running())}
    found = [one for one in releases() if one != ROOT]
    others = [one for one in found if one not in used]
    for one in others[max(0, KEPT_RELEASES - (len(found) - len(others))) :]:
        step(f"Removing {named(one)}")
        shutil.rmtree(one)


def wanted(release: Path) -> set[str]:
    target = (release / "deploy" / "systemd" / "kynaplatform.target").read_text()
    return set(re.findall(r"kynaplatform-\S+\.service", target))


def releases() -> list[Path]:
    """The newest first."""
    found = [path for path in RELEASES.glob("[!.]*") if (path / "deploy" / "systemd").is_dir()]
    found.sort(key=lambda path: (path / "revision").stat().st_mtime, reverse=True)
    return [*found, *([ROOT] if (ROOT / "deploy" / "systemd").is_dir() else [])]


def point(link: Path, release: Path) -> None:
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(release, ROOT))
    new.replace(link)


def named(release: Path) -> str:
    return "the code in /opt/kynaplatform" if release == ROOT else release.name


if __name__ == "__main__":
    sys.exit(main())
