"""`/docs/movements` and a page of each movement, made from its MoveSpec and the figure"""

import html
import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from detection import roles
from guides.movement_page import LANGUAGES, catalogue_spec, validated
from guides.navigation import MOVEMENTS
from movespecs.accuracy import read_cards, unmeasured, why_experimental
from movespecs.catalogue import catalogue_load, catalogue_slugs

pytestmark = pytest.mark.django_db
SLUGS = catalogue_slugs()
each_movement = pytest.mark.parametrize("slug", SLUGS)


def page_of(slug: str) -> str:
    answer = Client().get(f"/docs/movements/{slug}")
    assert answer.status_code == 200
    return answer.content.decode()


def section(page: str, anchor: str) -> str:
    return page.split(f'<h2 id="{anchor}">')[1].split("<h2 ")[0]


def rows(part: str) -> list[list[str]]:
    """The texts of the cells of its tables, without the heads."""
    found = re.findall(r"<tr>\n<td.*?</tr>", part, re.DOTALL)
    return [[plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in found]


def plain(part: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", part))


def test_each_movement_has_a_page_without_a_statement(django_assert_num_queries):
    assert [guide.source.stem for guide in MOVEMENTS] == SLUGS
    with django_assert_num_queries(0):
        for slug in SLUGS:
            page_of(slug)


@each_movement
def test_every_phase_has_its_figure_and_every_criterion_its_sentence(slug):
    spec = catalogue_spec(slug)
    part = section(page_of(slug), "how-it-is-counted")
    pictures = re.findall(r'<img src="([^"]+)" alt="The figure in “([^”]+)”', part)
    assert pictures == [
        (f"/docs/movements/{slug}/phase-{number}.svg", phase.name)
        for number, phase in enumerate(spec.phases, 1)
    ]
    assert [plain(one) for one in re.findall(r"<li>(.*?)</li>", part)] == [
        role.sentence for role in roles(spec) if role.role not in ("check", "cue")
    ]


@each_movement
def test_it_has_checks_parameters_and_cues_in_two_languages(slug):
    page, checks, parameters = (
        page_of(slug),
        catalogue_spec(slug).checks,
        validated(slug).parameters,
    )
    assert ('id="checks"' in page) == bool(checks)
    for check in checks:
        assert f"<strong>{check.name}</strong>: " in section(page, "checks")
    assert ('id="parameters"' in page) == bool(parameters)
    if parameters:
        assert rows(section(page, "parameters")) == [
            [one.name, one.description, f"{one.default:g}", f"{one.minimum:g} to {one.maximum:g}"]
            for one in parameters
        ]
    told = [validated(slug).spec_with({}, tag).feedback for tag in LANGUAGES]
    shown = rows(section(page, "cues"))
    assert [tuple(row[2:]) for row in shown] == [
        tuple(cue.message for cue in cues) for cues in zip(*told, strict=True)
    ]
    assert all(when for when, *_ in shown)


def test_each_leads_to_its_movespec_in_the_api(signing_key):
    catalogue_load(now=datetime.now(UTC))
    for guide in MOVEMENTS:
        [address] = re.findall(r'href="(/api/movespecs/[^"]+)"', page_of(guide.source.stem))
        released = Client().get(address).json()
        assert released["name"] == catalogue_spec(guide.source.stem).name


@each_movement
def test_it_says_that_it_is_experimental_and_which_checks_are_not_measured(slug):
    page, card = page_of(slug), read_cards()[slug]
    head = plain(page.split("<h2 ")[0])
    assert (f"Experimental: {why_experimental(card)}." in head) == card.experimental
    names = [check.name for check in catalogue_spec(slug).checks]
    marked = re.findall(
        r"<strong>([^<]+)</strong>: [^\n]*<em>Not measured on people.</em>", section(page, "checks")
    )
    assert marked == unmeasured(card, names)
