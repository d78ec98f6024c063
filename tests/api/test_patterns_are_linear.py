"""Each pattern that sees a stranger's text: half a mebibyte of its worst takes no time"""

import re
import signal

import pytest

from detection.language import criteria, kinds, yaml_tree
from kynaplatform import middleware
from kynaplatform.api import bodies, faults, idempotency, operations, views
from projects import credentials
from sessions_app import context, export
from staff import display, webhooks
from staff import lists as staff_lists

SIZE = 512 * 1024
# A deadline for what takes some milliseconds where it is linear, and hours where it is not.
DEADLINE_SECONDS = 30.0

LONG = "x" * SIZE
QUOTES = ['"' * SIZE, '"' + "\\" * (SIZE - 1)]
# How each is used, if not by `fullmatch`; and what keeps it going for as long as can be: runs of
# what its parts have in common.
WORST = {
    (bodies, "_MEDIA_TYPE", "fullmatch"): [
        "a" * SIZE,
        *("application/" + "j" * SIZE + "!", "application/json" + " " * SIZE + "x"),
        "application/json;" + " " * SIZE,
    ],
    (bodies, "_NUMBER", "fullmatch"): ["-" + "1" * SIZE],
    (bodies, "_CUT_ESCAPE", "search"): ["%" * SIZE, "%A" * (SIZE // 2) + "!"],
    (context, "_LOCALE", "fullmatch"): [
        *(LONG, "de" + "-abc" * (SIZE // 4), "de" + "-abcde" * (SIZE // 6) + "!"),
        *("de" + "-1abc" * (SIZE // 5) + "!", "de-u" + "-ab" * (SIZE // 3) + "!"),
        *("de" + "-u-ab" * (SIZE // 5) + "!", "x" + "-a" * (SIZE // 2) + "!"),
    ],
    (credentials, "SECRET", "fullmatch"): ["kyna_sk_" + "a" * SIZE],
    (staff_lists, "FORMULA", "search"): [
        *(";" * SIZE, " " * SIZE, ";" + " " * SIZE, "\t \t" * (SIZE // 3))
    ],
    (export, "_CURSOR", "fullmatch"): ["a" * SIZE, "a" * 32 + "." + "1" * SIZE],
    (faults, "_BRACKET", "findall"): [*QUOTES, '"x' * (SIZE // 2), "-" * SIZE],
    (faults, "_UP_TO_CONSTANT", "match"): [*QUOTES, '"x' * (SIZE // 2) + "N", "-" * SIZE + "I"],
    (idempotency, "_ESCAPED", "search"): ["\\" * SIZE],
    (idempotency, "_KEY", "fullmatch"): [
        *('"' + LONG, '"' + "\\\\" * (SIZE // 2), '"' + '\\"' * (SIZE // 2))
    ],
    (staff_lists, "SECRET", "search"): ["kyna_" * (SIZE // 5), "eyJ" * (SIZE // 3)],
    (middleware, "_OF_THIS_MACHINE", "fullmatch"): [
        *("http" * (SIZE // 4), "http://localhost:" + "1" * SIZE)
    ],
    (display, "WHOLE_ID", "search"): [
        *("a" * SIZE, "aaaaaaaa-" * (SIZE // 9), "aaaa-" * (SIZE // 5))
    ],
    (views, "_UUID", "fullmatch"): ["a" * SIZE, "a" * 8 + "-aaaa" * (SIZE // 5)],
    (webhooks, "SIGNING_SECRET", "search"): [*("whsec_" * (SIZE // 6 + 1), "whsec_" + "A" * SIZE)],
    (yaml_tree, "_NUMBER", "fullmatch"): [
        *("1" * SIZE + "x", "." * SIZE, "1." + "1" * SIZE + "e", "1e" + "1" * SIZE + "x")
    ],
}


class TooSlowError(Exception):
    pass


@pytest.fixture(autouse=True)
def _bounded():
    def stop(*_):
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def test_each_is_linear():
    for (module, name, use), texts in WORST.items():
        for text in texts:
            assert len(text) >= SIZE - 10
            try:
                getattr(getattr(module, name), use)(text)
            except TooSlowError:
                pytest.fail(f"{module.__name__}.{name}")


def test_so_are_those_of_the_language():
    declared = {
        one.pattern: one
        for module in (criteria, kinds)
        for one in vars(module).values()
        if isinstance(one, kinds.Text)
    }
    assert len(declared) == 7
    for text in declared.values():
        for letters in ("x" * SIZE, " " * SIZE, "x" * SIZE + "\0", "x-" * (SIZE // 2)):
            re.fullmatch(text.pattern, letters)


def test_the_faults_of_a_body_are_found_in_time():
    at = " - at `$"
    for value in (at * (SIZE // 8), [at] * (SIZE // 16), ["x"] * (SIZE // 4), at + "[" * SIZE):
        for type_ in (operations.Counted, list[operations.Counted], list[int] | None):
            told = list(faults._faults(value, type_))
            assert all(len(message) < 300 and len(path) < 20 for path, message in told)
