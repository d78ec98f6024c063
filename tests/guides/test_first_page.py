"""`/`: the figure, the program beside its events, and how well people are counted"""

import html
import re

import pytest
from django.test import Client

from guides.navigation import DOCS
from guides.views import first_page
from tests.documented import block

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _made_anew():
    first_page.cache_clear()
    yield
    first_page.cache_clear()


def shown() -> str:
    return Client().get("/").content.decode()


def plain(part: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", part))


def test_the_program_is_that_of_start():
    program = block("docs/start.md", "createStream").text
    assert plain(re.findall(r"<code>(.*?)</code>", shown(), re.DOTALL)[0]) == program
    assert len(program.splitlines()) <= 13


def test_the_events_beside_it_are_those_of_the_first_squat():
    events = re.findall(r'<span class="event [^>]+>(.*?)</span></span>', shown())
    assert [plain(event) for event in events] == [
        "1.0 s shape_enter standing",
        "1.5 s shape_exit standing",
        "1.6 s shape_enter bottom",
        "2.0 s feedback Good depth.",
        "2.8 s shape_exit bottom",
        "2.9 s shape_enter standing",
        "2.9 s event_completed squat",
    ]


def test_the_figures_are_those_of_the_accuracy_cards(cards):
    page = shown()
    assert "<strong>100%</strong> of recordings of squats" in page
    assert "83% exactly, for 5 people" in plain(page)
    row = r'<tr><th scope="row"><a href="([^"]+)">(.*?)</th>.*?</meter> ([^<]+)<'
    assert [(link, plain(name), share) for link, name, share in re.findall(row, page)] == [
        ("/docs/movements/squat", "squat", "100%"),
        ("/docs/movements/push-up", "push up experimental", "0%"),
    ]
    assert "19 movements to begin with, 18 of them experimental." in plain(page)


def test_the_people_of_one_core_are_those_of_the_benchmark():
    said = re.search(r"(\d+) people at once.*? within (\d+) ms", plain(shown()), re.DOTALL)
    table = (DOCS / "benchmarks.md").read_text().partition(f"| {said[1]} streams in batches")[2]
    p99 = re.search(r"\| p99 \| [\d.]+\W([\d.]+) ms", table)
    assert float(p99[1]) <= int(said[2])
