"""Each pattern that sees a stranger's text: half a mebibyte of its worst takes no time"""

import re
import signal

import pytest

from detection import checking, language, scalars, source
from kynaplatform.api import bodies, idempotency, request_id, views
from projects import credentials
from staff import sources

SIZE = 512 * 1024
# Of the processor, for what takes some milliseconds where it is linear, and hours where it is not.
MOST_SECONDS = 2.0

# What keeps each going for as long as can be: runs of what its parts have in common.
WORST = {
    (bodies, "_JSON_TYPE"): [
        "application/json" + " " * SIZE + "x",
        "application/json;" + " " * SIZE,
    ],
    (bodies, "_UNSTORABLE"): ["x" * SIZE],
    (idempotency, "_BARE"): ["x" * SIZE],
    (idempotency, "_QUOTED"): [
        '"' + "x" * SIZE,
        '"' + "\\\\" * (SIZE // 2),
        '"' + '\\"' * (SIZE // 2),
    ],
    (request_id, "_ACCEPTABLE"): ["x" * SIZE],
    (views, "_UUID"): ["a" * SIZE, "a" * 8 + "-aaaa" * (SIZE // 5)],
    (credentials, "_SECRET"): ["kyna_sk_" + "a" * SIZE],
    (source, "_REFUSED"): ["x" * SIZE],
    (source, "_LINE_BREAK"): ["\r" * SIZE, "\n" * SIZE],
    (sources, "LINE_BREAK"): ["\r" * SIZE, "\r\n" * (SIZE // 2)],
    (scalars, "_NULL"): ["n" * SIZE],
    (scalars, "_BOOLEAN"): ["t" * SIZE],
    (scalars, "_DECIMAL"): [
        "1" * SIZE + "x",
        "." * SIZE,
        "1." + "1" * SIZE + "e",
        "1e" + "1" * SIZE + "x",
    ],
    (scalars, "_OCTAL"): ["0o" + "7" * SIZE + "x"],
    (scalars, "_HEXADECIMAL"): ["0x" + "f" * SIZE + "x"],
    (scalars, "_INFINITY"): ["." * SIZE],
    (scalars, "_NOT_A_NUMBER"): ["." * SIZE],
}


USED_BY = {
    (bodies, "_UNSTORABLE"): "search",
    (source, "_REFUSED"): "search",
    (source, "_LINE_BREAK"): "split",
    (sources, "LINE_BREAK"): "split",
}


class TooSlowError(Exception):
    pass


@pytest.fixture(autouse=True)
def _bounded():
    def stop(*_):
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def compiled(module):
    return {(module, name) for name, value in vars(module).items() if isinstance(value, re.Pattern)}


def test_each_is_here():
    modules = {module for module, _ in WORST} | {checking}
    assert set().union(*map(compiled, modules)) == set(WORST)


@pytest.mark.parametrize(("module", "name"), WORST, ids=lambda of: getattr(of, "__name__", of))
def test_it_is_linear(module, name):
    pattern = getattr(module, name)
    for text in WORST[module, name]:
        assert len(text) >= SIZE - 10
        getattr(pattern, USED_BY.get((module, name), "fullmatch"))(text)


def test_so_are_those_of_the_language():
    for text in (language.NAME, language.LABEL, language.PROSE):
        for letters in ("x" * SIZE, " " * SIZE, "x" * SIZE + "\0"):
            re.fullmatch(text.pattern, letters)


def test_a_pattern_that_is_not_fails_here():
    with pytest.raises(TooSlowError):
        re.search(r" - at `\$(.*)`$", " - at `$" * (SIZE // 8))


def test_the_faults_of_a_body_are_found_in_time():
    at = " - at `$"
    for value in (at * (SIZE // 8), [at] * (SIZE // 16), ["x"] * (SIZE // 4), at + "[" * SIZE):
        for type_ in (views.Bearer, list[views.Bearer], list[int] | None):
            faults = list(bodies._faults(value, type_))
            assert all(len(message) < 300 and len(path) < 20 for path, message in faults)
