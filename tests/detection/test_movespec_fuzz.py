import re

from hypothesis import example, given
from hypothesis import strategies as st
from movespec_documents import DOCUMENT, HOLD, RICH

from detection import ISSUE_CODES, validate
from detection.language.issues import WARNING_CODES

FRAGMENTS = st.sampled_from(
    [
        *("$a", "$depth", "min: ", "{en: x}", "optional: true"),
        *("a", "b: ", "- ", "? ", ": ", "[", "]", "{", "}", ",", "&x ", "*x", "!t ", "!!str "),
        *("<<: ", "|", ">-", "'", '"', "\\", "#", "%YAML 1.2", "---", "...", "@", "`", "~"),
        *("\n", "\r\n", "\r", "  ", "\t", "é", "😀", "1e999", ".nan", "name", "detection"),
        *("\ufeff", "\x00", "\u2028", chr(0xD800)),
    ]
)
NOISE = st.one_of(st.lists(FRAGMENTS, max_size=40).map("".join), st.text(max_size=40))


def check_issues(document: str) -> None:
    validation = validate(document)
    assert validation.ok is (validation.errors == ()) is (validation.spec is not None)
    assert len(validation.errors) <= 100
    lines = re.split(r"\r\n|\n|\r", document.removeprefix("\ufeff"))
    for issue in validation.errors + validation.warnings:
        assert issue.code in ISSUE_CODES
        assert issue.severity == ("warning" if issue.code in WARNING_CODES else "error")
        assert issue.message.isprintable()
        assert issue.message.endswith(".")
        assert issue.path != ""
        assert (issue.line is None) is (issue.column is None)
        if issue.line is not None and issue.column is not None:
            assert 1 <= issue.line <= len(lines)
            assert 1 <= issue.column <= len(lines[issue.line - 1]) + 1
    for issues in (validation.errors, validation.warnings):
        places = [(issue.line, issue.column) for issue in issues if issue.line is not None]
        assert places == sorted(places)


@given(NOISE)
@example("a:\n-\n")
@example("? a\n")
@example("--- !t\n")
@example("a: &x\n")
@example("[a, \n")
@example("a: |\n")
def test_any_text_gives_well_formed_issues(document: str) -> None:
    check_issues(document)


@given(
    st.sampled_from([DOCUMENT, RICH, HOLD]),
    st.integers(0, len(RICH)),
    st.integers(0, 30),
    NOISE,
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_change_of_a_valid_document_gives_well_formed_issues(
    valid: str, start: int, length: int, noise: str, line_break: str
) -> None:
    start %= len(valid) + 1
    document = valid[:start] + noise + valid[start + length :]
    check_issues(document.replace("\n", line_break))


@given(st.permutations(DOCUMENT.splitlines()))
def test_any_order_of_the_lines_gives_well_formed_issues(lines: list[str]) -> None:
    check_issues("\n".join(lines))
