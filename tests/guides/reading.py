"""What a page of the site refers to, and a walk along all of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

REFERENCES = {"a": "href", "img": "src", "link": "href", "script": "src"}


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes


@dataclass
class Page(HTMLParser):
    """Its ids, and what it refers to, as absolute paths with their fragments."""

    address: str
    ids: set[str] = field(default_factory=set)
    references: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (id_ := given.get("id")) is not None:
            assert id_ not in self.ids, f"{self.address}: twice #{id_}"
            self.ids.add(id_)
        if tag in REFERENCES and REFERENCES[tag] in given:
            written = given[REFERENCES[tag]] or ""
            self.references.append((tag, urljoin(self.address, written)))


def read(address: str, answer: Answer) -> Page:
    page = Page(address)
    page.feed(answer.body.decode())
    return page


@dataclass
class Walk:
    """Everything that links lead to from `/`: the guides, the reference, and what they name."""

    ask: Callable[[str], Answer]
    answers: dict[str, Answer] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)

    def go(self, start: str = "/") -> "Walk":
        waiting = [start]
        while waiting:
            address = waiting.pop()
            if address in self.answers:
                continue
            answer = self.answers[address] = self.ask(address)
            # Staff's pages have tests of their own.
            if answer.content_type.startswith("text/html") and is_ours(address):
                self.pages[address] = read(address, answer)
                for _, reference in self.pages[address].references:
                    if urlsplit(reference).scheme:
                        self.outside.add(reference)
                    else:
                        waiting.append(urldefrag(reference).url)
        return self

    def faults(self) -> Iterator[str]:
        """Each reference that leads nowhere."""
        for page in self.pages.values():
            for tag, reference in page.references:
                address, fragment = urldefrag(reference)
                if (found := self.answers.get(address)) is None:
                    continue
                if found.status >= 400:
                    yield f"{page.address}: {found.status} for {reference}"
                elif tag == "img" and not found.content_type.startswith("image/"):
                    yield f"{page.address}: {reference} is no picture"
                elif fragment and fragment not in self.pages[address].ids:
                    yield f"{page.address}: {address} has no #{fragment}"


def is_ours(address: str) -> bool:
    return address == "/" or address.startswith(("/docs/", "/api/docs"))
