"""An editor's language server, which reads the schema from the platform, as docs/ says."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from detection import json_schema
from dev.tools.course import FOLDER, specs
from tests.documented import block
from tests.node import built_clients, node
from tests.server import api_server

pytestmark = pytest.mark.django_db(transaction=True)

SQUAT = specs(FOLDER / "first-movement.md")[0]
PROGRAM = "node_modules/yaml-language-server/bin/yaml-language-server"
MARKDOWN = {"contentFormat": ["markdown"]}
CAPABILITIES = {
    "textDocument": {"completion": {}, "hover": MARKDOWN, "publishDiagnostics": {}},
    "workspace": {"configuration": True},
}
# It would ask a catalogue of schemas on the internet.
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "hover": True, "completion": True}}


@dataclass
class LanguageServer:
    """A language server, asked over its pipes by the Language Server Protocol."""

    process: subprocess.Popen[bytes]
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    told: list[str] = field(default_factory=list)

    def send(self, method: str, params: object) -> None:
        self._write({"method": method, "params": params})

    def ask(self, method: str, params: object) -> Any:
        """The result; what it asks and tells before is taken in."""
        number = next(self.ids)
        self._write({"id": number, "method": method, "params": params})
        while (message := self._read()).get("id") != number or "method" in message:
            self._take(message)
        return message["result"]

    def findings(self) -> list[str]:
        """What it finds wrong, once it tells."""
        while not self.told:
            self._take(self._read())
        return self.told

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "textDocument/publishDiagnostics":
            self.told = [found["message"] for found in message["params"]["diagnostics"]]
        elif message.get("method") == "workspace/configuration":
            sections = [item.get("section") for item in message["params"]["items"]]
            result = [SETTINGS.get(section, {}) for section in sections]
            self._write({"id": message["id"], "result": result})
        elif "method" in message and "id" in message:
            self._write({"id": message["id"], "result": None})

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message


@contextmanager
def language_server() -> Iterator[LanguageServer]:
    command = [node(), str(built_clients() / PROGRAM), "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = LanguageServer(process)
        root = {"processId": None, "rootUri": None, "capabilities": CAPABILITIES}
        server.ask("initialize", root)
        server.send("initialized", {})
        yield server
        process.terminate()


class Document:
    """A text that is open in the editor."""

    def __init__(self, server: LanguageServer, text: str, uri: str = "file:///squat.yaml") -> None:
        self.server, self.text, self.uri = server, text, uri
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        server.send("textDocument/didOpen", {"textDocument": document})

    def at(self, method: str, behind: str) -> Any:
        """The answer for the place behind the first `behind`."""
        before = self.text[: self.text.index(behind) + len(behind)].split("\n")
        place = {"line": len(before) - 1, "character": len(before[-1])}
        params = {"textDocument": {"uri": self.uri}, "position": place}
        return self.server.ask(f"textDocument/{method}", params)

    def completions(self, behind: str) -> list[str]:
        return [item["label"] for item in self.at("completion", behind)["items"]]

    def hover(self, behind: str) -> str:
        said: str = self.at("hover", behind)["contents"]["value"]
        return said


def test_an_editor_completes_explains_and_marks_mistakes(tmp_path: Path) -> None:
    line = block("docs/movespec/editor.md", "$schema=").text
    with api_server(tmp_path) as address, language_server() as server:
        line = line.replace("https://platform.example.com", address)
        text = line + SQUAT.replace("joint: knee, max", "joint: knees, max")
        whole = Document(server, text)
        [found] = server.findings()
        assert found.startswith("Value is not accepted. Valid values:")
        sequence = _movement()["sequence"]["description"]
        assert sequence in whole.hover("    sequ")
        assert "* `ankle`" in whole.hover("[{joint: k")

        begun = Document(server, line + SQUAT + "    ju", "file:///begun.yaml")
        assert begun.completions("\n    ju") == [
            *("judge", "count", "both_move", "plane", "throughout", "checks", "tempo", "feedback")
        ]
        assert begun.completions("joint: ") == [
            *("elbow", "shoulder", "hip", "knee", "ankle", "wrist")
        ]


def test_what_a_name_may_be_is_said_in_words(tmp_path: Path) -> None:
    line = block("docs/movespec/editor.md", "$schema=").text
    with api_server(tmp_path) as address, language_server() as server:
        line = line.replace("https://platform.example.com", address)
        Document(server, line + SQUAT.replace("name: squat\n", "name: squat!\n", 1))
        assert server.findings() == ["It must be a name: 1 to 64 of A-Z, a-z, 0-9, space, _ and -."]


def _movement() -> dict[str, Any]:
    detection = json_schema()["properties"]["detection"]
    found: dict[str, Any] = detection["allOf"][0]["then"]["properties"]["movement"]["properties"]
    return found
