"""`/` and `/docs/`: the guides of docs/ as pages, and what they refer to"""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from django.db import OperationalError, connection
from django.test import Client

from dev.local_stack.environment import PROJECT
from guides import navigation, rendering
from guides.navigation import DOCS, GUIDES, SHELVES, Guide, files
from guides.rendering import rendered
from kynaplatform.metrics import readiness as readiness_module
from kynaplatform.reference.pages import pages
from movespecs.catalogue import catalogue_load
from tests.api.api_requests import refused
from tests.guides.reading import Answer, Walk


def get(address: str) -> Answer:
    response = Client().get(address, follow=True)
    body = b"".join(response) if response.streaming else response.content
    return Answer(response.status_code, response.headers["Content-Type"], body)


def text_of(address: str) -> str:
    return get(address).body.decode()


@pytest.fixture
def guide_of(tmp_path: Path):
    """A guide with this text, as a page."""

    def guide_of(text: str) -> rendering.Rendered:
        source = tmp_path / "text.md"
        source.write_text(text)
        rendered.cache_clear()
        return rendered(Guide("text", "Text", "A text.", source))

    return guide_of


# Every page


@pytest.mark.django_db
def test_every_link_and_picture_of_every_page_leads_somewhere(signing_key):
    catalogue_load(now=datetime.now(UTC))
    walk = Walk(get).go()
    assert [*walk.faults()] == []
    of_guides = {guide.address for guide in GUIDES.values()}
    of_reference = {"/api/docs", *(f"/api/docs/{name}" for name in pages())}
    assert set(walk.pages) == {"/", "/docs/", *of_guides, *of_reference}
    assert {f"{address}.md" for address in of_guides} <= set(walk.answers)
    of_docs = {f"/docs/{path.relative_to(DOCS)}" for path in DOCS.glob("*.svg")}
    assert of_docs <= set(walk.answers)
    assert {"/admin/", "/docs/openapi.yaml", "/llms.txt"} <= set(walk.answers)
    assert all(address.startswith("https://") for address in walk.outside)


def test_every_document_is_a_guide_and_none_is_missing():
    assert {guide.source for guide in GUIDES.values()} == {
        *DOCS.rglob("*.md"),
        PROJECT / "README.md",
        PROJECT / "CHANGELOG.md",
        PROJECT / "clients" / "web" / "README.md",
        PROJECT / "examples" / "movespecs",
        *(PROJECT / "examples" / "movespecs").glob("*.yaml"),
    }


def test_every_link_of_a_document_is_to_a_file_that_is_there():
    code = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
    broken = [
        f"{source.relative_to(PROJECT)}: {target}"
        for source in (
            PROJECT / "README.md",
            PROJECT / "clients" / "web" / "README.md",
            *sorted(DOCS.rglob("*.md")),
        )
        for target in re.findall(r"\]\(([^)#\s]+)", code.sub("", source.read_text()))
        if not target.startswith(("https://", "/"))
        and not (source.parent / unquote(target)).exists()
    ]
    assert not broken, "\n".join(broken)


# What a page shows


def test_a_heading_has_the_anchor_that_github_gives_it(guide_of):
    page = guide_of("# A `b` c\n\n## It's 1, 2 & more\n\n## Twice\n\n### Twice\n\n#### Deep\n")
    assert page.title == "A b c"
    assert [(one.level, one.anchor) for one in page.contents] == [
        (2, "its-1-2--more"),
        (2, "twice"),
        (3, "twice-1"),
    ]
    assert '<h1 id="a-b-c">A <code>b</code> c</h1>' in page.html


def test_a_link_leads_to_the_page_or_is_text(guide_of):
    # A folder may have a space in its name, a link's address has none.
    root = "../" * 12 + quote(str(PROJECT)).lstrip("/")
    page = guide_of(
        f"# T\n\n[a]({root}/docs/engine.md#segments) [b]({root}/docs)\n"
        f"[c]({root}/docs/openapi.yaml)\n"
        f"[d]({root}/examples/movespecs/) [e]({root}/examples/movespecs/lunge.yaml)\n"
        f"[f *g*]({root}/manage.py) [h](#t) [i](https://a.example/b.md) [j](no.md)\n"
        f"![k]({root}/docs/joints.svg)\n"
    )
    assert re.findall(r'<a href="([^"]*)">(\w)</a>', page.html) == [
        ("/docs/engine#segments", "a"),
        ("/docs/", "b"),
        ("/docs/openapi.yaml", "c"),
        ("/docs/movements", "d"),
        ("/docs/movements/lunge", "e"),
        ("#t", "h"),
        ("https://a.example/b.md", "i"),
    ]
    assert "f <em>g</em> <a " in page.html
    assert "</a> j\n" in page.html
    assert (
        '<img src="/docs/joints.svg" alt="k" loading="lazy" width="840" height="330" />'
    ) in page.html


def test_every_picture_of_every_guide_keeps_room_for_itself():
    pictures = [
        picture
        for guide in GUIDES.values()
        for picture in re.findall(r"<img [^>]+>", rendered(guide).html)
    ]
    assert len(pictures) > 20
    assert [one for one in pictures if not re.search(r' width="\d+" height="\d+"', one)] == []


def test_html_of_a_text_is_shown_and_comments_are_not(guide_of):
    page = guide_of(
        "# T\n\n<!-- a -->\n\n<script>b()</script>\n\nc <img src=x onerror=d()> <!-- e --> f\n"
    )
    assert page.html == (
        '<h1 id="t">T</h1>\n<p>&lt;script&gt;b()&lt;/script&gt;</p>\n'
        "<p>c &lt;img src=x onerror=d()&gt;  f</p>\n"
    )


def test_a_javascript_link_is_text(guide_of):
    assert guide_of("# T\n\n[a](javascript:b)\n").html.endswith("<p>[a](javascript:b)</p>\n")


@pytest.mark.django_db
@pytest.mark.parametrize("shelf", SHELVES, ids=lambda shelf: shelf.slug)
def test_a_guide_lists_its_own_shelf_and_marks_itself(shelf):
    guide = shelf.guides[1]
    page = text_of(guide.address)
    # On the left of the page, and in the menu of a phone.
    of_guides = re.findall(r'<ul class="guides">(.*?)</ul>', page, re.DOTALL)
    assert len(of_guides) == 2
    for part in of_guides:
        assert re.findall(r'<a href="([^"]+)"', part) == [one.address for one in shelf.guides]
        assert re.findall(r'href="([^"]*)" aria-current="page"', part) == [guide.address]
    assert re.findall(r'aria-current="true">(\w+)<', page) == [shelf.name] * 2
    assert f"<title>{rendered(guide).title} | kynaplatform</title>" in page


@pytest.mark.django_db
def test_a_page_says_what_it_is_to_those_who_share_it():
    page = text_of("/docs/streaming")
    meta = dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', page))
    assert meta["description"].startswith("Frames in, events out")
    assert meta["og:title"] == "The stream | kynaplatform"
    assert meta["og:image"] == "http://testserver/static/guides/share.png"
    assert '<link rel="alternate" type="text/markdown" href="/docs/streaming.md">' in page


# Files


@pytest.mark.django_db
def test_a_picture_is_served_as_it_is_and_may_be_kept():
    response = Client().get("/docs/joints.svg")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.content == (DOCS / "joints.svg").read_bytes()
    assert Client().get("/docs/api").headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "no-such/", "movespec/no.svg", "..%2fmanage.py", "movespec/../openapi.yaml", "%00",
    ],
)  # fmt: skip
def test_what_is_no_guide_and_no_file_of_docs_is_a_page_that_says_so(name):
    response = Client().get(f"/docs/{name}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "There is no such guide" in response.content.decode()
    assert 'href="/docs/streaming"' in response.content.decode()


def test_nothing_but_files_of_docs_is_served(tmp_path, monkeypatch):
    (tmp_path / "a.svg").write_bytes(b"a")
    (tmp_path / "b.py").write_bytes(b"b")
    (tmp_path / ".env").write_bytes(b"c")
    monkeypatch.setattr(navigation, "DOCS", tmp_path)
    files.cache_clear()
    try:
        assert files() == {"a.svg": tmp_path / "a.svg"}
    finally:
        files.cache_clear()


CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/nowhere", "*/*"),
        ("GET", "/nowhere", "application/json"),
        ("GET", "/nowhere", "application/json, text/html;q=0.9"),
        ("POST", "/nowhere", CHROMIUM),
        ("GET", "/api/nowhere", CHROMIUM),
    ],
)
def test_a_program_gets_json_for_it(method, path, accept):
    answer = Client().generic(method, path, headers={"Accept": accept})
    refused(answer, 404, "not_found", resource="path")


# The first page


def test_without_a_database_it_is_there_and_names_it(monkeypatch):
    def refuse(*_):
        raise OperationalError("no such host: db.internal")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = Client().get("/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "<strong>Down.</strong> Requests can't be served now: database down." in page
    assert "db.internal" not in page
    assert get("/docs/streaming").status == 200


@pytest.mark.django_db
def test_what_only_hinders_is_named_too(signing_key, monkeypatch):
    monkeypatch.setattr(
        readiness_module, "current_app", type("App", (), {"connection_for_write": refuse_broker})()
    )
    assert "<strong>Up,</strong> but not all is well: broker down." in text_of("/")


def refuse_broker(*_, **__):
    raise ConnectionRefusedError


@pytest.mark.django_db
def test_no_page_asks_the_database_for_anything(django_assert_num_queries):
    for address in ("/docs/", "/docs/streaming", "/docs/openapi.yaml", "/docs/no-such"):
        with django_assert_num_queries(0):
            Client().get(address)
