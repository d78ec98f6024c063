"""The page for who is stuck names codes, reasons and warnings that there are."""

import re

import detection
from dev.local_stack.environment import PROJECT
from realtime import refusals
from realtime.frames import RejectReason

PAGE = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
OPENAPI = (PROJECT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
STREAM = (PROJECT / "docs" / "streaming.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_errors_of_the_api_are_in_its_document() -> None:
    told = re.findall(r"\| (4\d\d) `(\w+)`", section("The API says"))
    assert len(told) >= 7
    for status, code in told:
        assert re.search(rf"'{status}':(?:(?!'\d\d\d':).)*?\b{code}\b", OPENAPI, re.DOTALL), code


def test_the_close_codes_are_those_of_the_stream() -> None:
    told = re.findall(r"^\| ([\d, ]+) \|", section("The stream says"), re.MULTILINE)
    codes = [code for row in told for code in row.split(", ")]
    assert "4401" in codes
    table = STREAM.split("## Close codes")[1].split("\n## ")[0]
    assert [code for code in codes if code not in table] == []
    assert refusals.DOES_NOT_READ == 4408


def test_reasons_and_warnings_are_known() -> None:
    counted = section("Nothing is counted")
    reasons = set(re.findall(r"^\| (?:`rejected_frames` with )?`(\w+)` \|", counted, re.MULTILINE))
    assert len(reasons) == 4
    assert reasons <= {reason.value for reason in RejectReason}
    warnings = re.findall(r"warns of\s+`(\w+)`", PAGE)
    assert warnings
    assert set(warnings) <= set(detection.ISSUE_CODES)
