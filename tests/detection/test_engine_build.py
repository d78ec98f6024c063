"""Which build of the engine runs: the one that was compiled of this source, or the source."""

import os
import shutil
import subprocess
import sys
import sysconfig
from math import gcd
from pathlib import Path

import pytest

import detection
from detection.engine import swing
from detection.engine_build import FOLDER, build_below
from dev.local_stack.environment import PROJECT
from dev.tools import compile_engine
from tests.detection.engine_traces import SEEDS, SPECS, VIEWS
from tests.long_runs import one_in
from tests.plugin import skip_without

ASK = """
import detection, pathlib
from detection.engine import swing
build, reason = detection.ENGINE_BUILD
print(build, pathlib.Path(swing.__file__).suffix, reason)
"""
# What `make test` runs on both builds besides the traces: stored states, read and refused.
# `make test-long` runs all of tests/detection.
ON_BOTH = ("test_golden_states.py", "test_engine_determinism.py")
CHOSEN = "wanted or stored_state or refused or finite or freed"
HERE = Path(__file__)


def run(
    *words: str | Path, cwd: Path = PROJECT, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled engine, made in the place of one of other source."""
    if missing := compile_engine.what_is_missing():
        skip_without(missing)
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "0123456789abcdef").mkdir()
    # With all that this processor can: one that multiplies and adds in one step may not do so.
    done = run("-m", "dev.tools.compile_engine", "--folder", folder, CFLAGS="-march=native")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == f"The engine is compiled: {build_below(folder)}"
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is compiled, and of what compiles it."""
    for name in ("detection", "dev/tools"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("built"))
    return tmp_path


def asked(project: Path, folder: Path) -> list[str]:
    """The build that runs there, the kind of file that its code is of, and why."""
    done = run("-c", ASK, cwd=project, COMPILED_ENGINE=str(folder))
    assert done.returncode == 0, done.stdout
    return done.stdout.strip().split(" ", 2)


def test_the_one_that_is_wanted_runs() -> None:
    """Of these tests themselves, which are of the source where nothing is said."""
    is_compiled = os.environ["COMPILED_ENGINE"] != "none"
    expected = ("compiled", ".so") if is_compiled else ("python", ".py")
    assert (detection.ENGINE_BUILD.name, Path(swing.__file__).suffix) == expected


def test_every_module_is_compiled_but_the_settings(compiled: Path) -> None:
    assert [*compiled.iterdir()] == [build_below(compiled)]
    made = {path.name.partition(".")[0] for path in build_below(compiled).iterdir()}
    sources = {path.stem for path in FOLDER.with_name("engine").glob("*.py")}
    assert made == sources - {"__init__", "settings"} | {"all__mypyc"}


def traces(compiled: Path, *words: str) -> list[list[str]]:
    """What the source and the compiled one print of the same frames, but for their names."""
    lines = []
    for build, folder in (("python", "none"), ("compiled", str(compiled))):
        done = run("-m", "tests.detection.engine_traces", *words, COMPILED_ENGINE=folder)
        assert done.returncode == 0, done.stdout
        first, *rest = done.stdout.splitlines()
        assert first == build
        lines.append(rest)
    return lines


@one_in(6)
def test_it_tells_what_the_source_tells_to_the_byte(compiled: Path, every: int) -> None:
    by_source, by_compiled = traces(compiled, str(every))
    assert by_source == by_compiled
    of_each_movement = len(VIEWS) + 2
    # So that a part of the cases has each kind.
    assert gcd(every, of_each_movement) == 1
    cases = len(SPECS) * of_each_movement + SEEDS
    assert len(by_source) == len(range(0, cases, every))


@pytest.mark.long
@pytest.mark.skipif(
    "RECORDINGS_DIR" not in os.environ, reason="RECORDINGS_DIR names no folder of recordings"
)
def test_so_it_does_of_recorded_people(compiled: Path) -> None:
    folder = Path(os.environ["RECORDINGS_DIR"])
    by_source, by_compiled = traces(compiled, "1", str(folder))
    assert by_source == by_compiled
    assert len(by_source) == len([*folder.glob("*.json.gz")]) > 0


def passed(folder: Path, *words: str | Path) -> str:
    words = ("-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *words)
    done = run(*words, COMPILED_ENGINE=str(folder))
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


def test_the_tests_of_the_engine_pass_on_it(compiled: Path) -> None:
    wanted = f"{HERE}::test_the_one_that_is_wanted_runs"
    assert " passed" in passed(compiled, "-k", CHOSEN, wanted, *map(HERE.with_name, ON_BOTH))


@pytest.mark.long
def test_so_do_all_of_them(compiled: Path) -> None:
    assert " passed" in passed(compiled, "-m", "", f"--ignore={HERE}", HERE.parent)


@pytest.mark.parametrize("changed", ["engine/settings.py", "spec.py"])
def test_one_of_other_source_never_runs(compiled: Path, project: Path, changed: str) -> None:
    assert asked(project, compiled) == ["compiled", ".so"]
    source = project / "detection" / changed
    text = source.read_text()
    source.write_text(f"{text}\n")
    why = f"{compiled} has none compiled of this source for this Python"
    assert asked(project, compiled) == ["python", ".py", why]
    source.write_text(text)
    assert asked(project, compiled) == ["compiled", ".so"]


def test_nor_does_one_for_another_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = build_below(tmp_path)
    assert build_below(tmp_path) == ours
    other = {"EXT_SUFFIX": ".cpython-399-riscv64-linux-gnu.so"}
    monkeypatch.setattr(sysconfig, "get_config_var", other.get)
    assert build_below(tmp_path) != ours


def test_where_it_cannot_be_loaded_the_source_runs(compiled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    shutil.copytree(compiled, folder)
    [code] = folder.glob("*/all__mypyc.*")
    code.write_text("no library")
    build, suffix, why = asked(PROJECT, folder)
    assert (build, suffix) == ("python", ".py")
    assert why.startswith(f"the compiled one can't be loaded: {code}: ")
    code.unlink()
    assert asked(PROJECT, folder)[:2] == ["python", ".py"]


def test_it_can_be_turned_off(compiled: Path, project: Path) -> None:
    shutil.copytree(compiled, project / "detection" / "built")
    done = run("-c", ASK, cwd=project, COMPILED_ENGINE="")
    assert done.stdout == "compiled .so \n"
    done = run("-c", ASK, cwd=project, COMPILED_ENGINE="none")
    assert done.stdout == "python .py COMPILED_ENGINE says so\n"


def test_without_a_compiler_it_says_so(tmp_path: Path) -> None:
    done = run(
        "-m", "dev.tools.compile_engine", "--folder", tmp_path / "built", CC="no-such-cc -pthread"
    )
    assert (done.returncode, done.stdout) == (
        1,
        "The engine is not compiled. A C compiler is needed, and there is no no-such-cc: "
        "apt-get install gcc\n",
    )
    assert not (tmp_path / "built").exists()


def test_a_fault_of_the_source_is_told(project: Path) -> None:
    if missing := compile_engine.what_is_missing():
        skip_without(missing)
    with (project / "detection/engine/tracking.py").open("a") as source:
        source.write("side: int = 'left'\n")
    done = run("-m", "dev.tools.compile_engine", cwd=project)
    assert done.returncode == 1
    begun, fault, *_, last = done.stdout.splitlines()
    assert begun == "Compiling the engine, which takes half a minute …"
    assert fault.startswith("detection/engine/tracking.py:")
    assert 'expression has type "str", variable has type "int"' in fault
    assert last == "The engine is not compiled: see above."
    assert [*(project / "detection/built").iterdir()] == []
