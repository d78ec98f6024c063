"""`/`: the figure, the program beside its events, and how well people are counted"""

import html
import json
import re
import sys
from types import ModuleType

import pytest
from django.test import Client

import tryout.urls
from dev.local_stack.environment import PROJECT
from guides.views import first_page
from kynaplatform import urls as root
from tests.documented import block

pytestmark = pytest.mark.django_db
SQUATS = json.loads((PROJECT / "guides/static/guides/squat.json").read_text())


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


def test_the_figure_is_still_until_a_script_moves_it():
    page = shown()
    assert '<polyline class="near leg"' in page
    assert "<animate" not in page
    # As at the bottom of its third squat.
    at = SQUATS["still"]
    bottom = SQUATS["frames"][at]
    head = re.findall(r'class="head" data-point="(\d+)" r="\d+" cx="([\d.]+)" cy="([\d.]+)"', page)
    [(point, x, y)] = head
    assert [float(x), float(y)] == pytest.approx(
        bottom[2 * int(point) : 2 * int(point) + 2], abs=0.5
    )
    count = sum(
        event["type"] == "event_completed" and event["ts_ms"] <= at * SQUATS["step_ms"]
        for event in SQUATS["events"]
    )
    assert f'<strong id="count">{count}</strong>' in page
    assert f'<strong id="knee">{SQUATS["knee"][at]}°</strong>' in page


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


def test_without_cards_it_says_nothing_of_them(cards_file):
    assert "How well it counts" not in shown()


def test_its_licence_is_the_first_line_of_the_owners_file(tmp_path, monkeypatch):
    monkeypatch.setattr("guides.views.LICENCE", tmp_path / "LICENSE")
    assert "Licence: not given yet." in shown()
    (tmp_path / "LICENSE").write_text("\nApache License 2.0\n\nTerms\n")
    first_page.cache_clear()
    assert "Licence: Apache License 2.0." in shown()


def test_without_the_try_page_it_leads_to_start_alone(settings, monkeypatch):
    urls = ModuleType("urls_without_try")
    urls.urlpatterns = [
        one for one in root.urlpatterns if getattr(one, "urlconf_name", None) is not tryout.urls
    ]
    assert len(urls.urlpatterns) == len(root.urlpatterns) - 1
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = urls.__name__
    page = shown()
    assert re.findall(r'<a class="button[^"]*" href="([^"]+)"', page) == ["/docs/start"]
    assert "/try" not in page.replace("/try/figures", "")
