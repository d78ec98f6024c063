"""`/llms.txt`, `/llms-full.txt`, and each guide as Markdown"""

import re

import pytest
from django.test import Client

from guides import rendering
from guides.navigation import DOCS, GUIDES, MOVEMENTS, SHELF_OF, Guide
from guides.rendering import published, text_of

pytestmark = pytest.mark.django_db


def get(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_the_index_lists_every_guide_as_markdown():
    index = get("/llms.txt")
    assert index.startswith("# kynaplatform\n\n> ")
    linked = re.findall(r"\]\(http://testserver(\S+)\)", index)
    assert [one for one in linked if one.endswith(".md")] == [
        f"{guide.address}.md" for guide in (*SHELF_OF, *MOVEMENTS)
    ]
    for address in linked:
        get(address)


def test_the_whole_has_the_text_of_every_guide():
    whole = get("/llms-full.txt")
    for guide in (*SHELF_OF, *MOVEMENTS):
        assert get(f"{guide.address}.md").strip() in whole


def test_a_guide_is_served_as_the_markdown_that_it_is_made_of():
    for guide in GUIDES.values():
        answer = Client().get(f"{guide.address}.md")
        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        served = answer.content.decode()
        blocks = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
        assert blocks.findall(served) == blocks.findall(text_of(guide))


def test_a_link_leads_to_markdown_and_a_picture_to_itself(monkeypatch):
    guide = Guide("x", "X", "An x.", DOCS / "no-such.md")
    written = (
        "<!-- a\ncomment -->\n# T\n\n[a](api.md#errors) [b `c`](../manage.py) ![d](replay.svg) "
        "[e](https://e.example/x.md) [f](#t)\n\n```sh\n[g](api.md)\n```\n"
    )
    monkeypatch.setattr(rendering, "text_of", lambda _: written)
    assert published(guide) == (
        "# T\n\n[a](/docs/api.md#errors) b `c` ![d](/docs/replay.svg) "
        "[e](https://e.example/x.md) [f](#t)\n\n```sh\n[g](api.md)\n```\n"
    )
