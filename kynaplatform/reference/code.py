"""An operation's request as a program: curl, Python and TypeScript.

Each runs as it stands where the variables that it names are exported. A test runs them all.
"""

import json
from collections.abc import Callable, Mapping
from textwrap import indent
from typing import Any, NamedTuple

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from kynaplatform.public_pages import highlighted

# Whose values a reader has, by their names in paths and bodies.
VARIABLES = {
    "api_key": "KYNA_API_KEY",
    "project_id": "KYNA_PROJECT_ID",
    "movespec_id": "KYNA_MOVESPEC_ID",
    "version_id": "KYNA_VERSION_ID",
    "session_id": "KYNA_SESSION_ID",
    "runtime_token": "KYNA_RUNTIME_TOKEN",
    "token_id": "KYNA_TOKEN_ID",
    "webhook_id": "KYNA_WEBHOOK_ID",
    "delivery_id": "KYNA_DELIVERY_ID",
}
# The bearers, by the names of their security schemes.
TOKENS = {"bearer": "KYNA_TOKEN", "runtime_token": VARIABLES["runtime_token"]}
JSON = "application/json"
NEW_KEY = r"KEY=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"


class Call(NamedTuple):
    """What is sent. `body` is an example: JSON's own types, or a text of `media_type`. With
    `has_answer` the answer has a body, and with `in_lines` that is lines of JSON."""

    method: str
    path: str
    query: str
    token: str | None  # the variable that has it
    takes_key: bool
    media_type: str = JSON
    body: Any = None
    has_answer: bool = True
    in_lines: bool = False

    @property
    def variables(self) -> list[str]:
        """Those that the program reads."""
        in_body = self.body if isinstance(self.body, dict) else {}
        found = ["KYNA_URL", *([self.token] if self.token else [])]
        for name, variable in VARIABLES.items():
            if f"{{{name}}}" in self.path or name in in_body:
                found.append(variable)
        return found

    def url(self, variable: Callable[[str], str]) -> str:
        path = self.path
        for name, its_variable in VARIABLES.items():
            path = path.replace(f"{{{name}}}", variable(its_variable))
        return f"{variable('KYNA_URL')}{path}{self.query}"


def curl(call: Call) -> str:
    implied = "GET" if call.body is None else "POST"
    method = "" if call.method == implied else f"-X {call.method} "
    lines = [f'curl -sS {method}"{call.url("${}".format)}"']
    if call.token:
        lines.append(f'-H "Authorization: Bearer ${call.token}"')
    if call.takes_key:
        lines[0] = f"{NEW_KEY}\n{lines[0]}"
        lines.append('-H "Idempotency-Key: $KEY"')
    if call.body is None:
        return " \\\n  ".join(lines)
    lines.append(f'-H "Content-Type: {call.media_type}"')
    if isinstance(call.body, str):
        return " \\\n  ".join([*lines, f"--data-binary @- <<'TEXT'\n{call.body}TEXT"])
    body = _json(call.body, lambda name: f'"${name}"', spaces=2)
    return " \\\n  ".join([*lines, f"-d @- <<JSON\n{body}\nJSON"])


def python(call: Call) -> str:
    headers = {
        **({"Authorization": f"f\"Bearer {{os.environ['{call.token}']}}\""} if call.token else {}),
        **({"Idempotency-Key": "str(uuid.uuid4())"} if call.takes_key else {}),
        **({"Content-Type": f'"{call.media_type}"'} if isinstance(call.body, str) else {}),
    }
    url = call.url("{{os.environ['{}']}}".format)
    imports = [*["import json"] * call.in_lines, "import os", *["import uuid"] * call.takes_key]
    lines = [*imports, "", "import httpx", ""]
    lines += [f"response = httpx.{call.method.lower()}(", f'    f"{url}",']
    if headers:
        lines += ["    headers={", *(f'        "{k}": {v},' for k, v in headers.items()), "    },"]
    if isinstance(call.body, str):
        lines.append(f'    content="""\\\n{call.body}""",')
    elif call.body is not None:
        body = _json(call.body, lambda name: f'os.environ["{name}"]', spaces=4, literal=repr)
        lines.append(f"    json={indent(body, '    ').lstrip()},")
    shown = "response.json()" if call.has_answer else "response.status_code"
    lines += [")", "response.raise_for_status()"]
    if call.in_lines:
        # Not those of the text: a text of JSON may have what ends a line there.
        lines += ["for line in response.content.splitlines():", "    print(json.loads(line))"]
    else:
        lines.append(f"print({shown})")
    return "\n".join(lines)


def typescript(call: Call) -> str:
    headers = {
        **({"Authorization": f"`Bearer ${{process.env.{call.token}}}`"} if call.token else {}),
        **({'"Idempotency-Key"': "crypto.randomUUID()"} if call.takes_key else {}),
        **({'"Content-Type"': f'"{call.media_type}"'} if call.body is not None else {}),
    }
    url = f"`{call.url('${{process.env.{}}}'.format)}`"
    options = [f'  method: "{call.method}",'] if call.method != "GET" else []
    if headers:
        options += ["  headers: {", *(f"    {k}: {v}," for k, v in headers.items()), "  },"]
    if isinstance(call.body, str):
        options.append(f"  body: `{call.body}`,")
    elif call.body is not None:
        body = _json(call.body, "process.env.{}".format, spaces=2)
        options.append(f"  body: JSON.stringify({indent(body, '  ').lstrip()}),")
    sent = "\n".join([f"{url}, {{", *options, "}"]) if options else url
    shown = [f"console.log({'await response.json()' if call.has_answer else 'response.status'});"]
    if call.in_lines:
        shown = [
            'for (const line of (await response.text()).split("\\n")) {',
            "  if (line) console.log(JSON.parse(line));",
            "}",
        ]
    return "\n".join(
        [
            f"const response = await fetch({sent});",
            "if (!response.ok) throw new Error(await response.text());",
            *shown,
        ]
    )


LANGUAGES: Mapping[str, tuple[str, Callable[[Call], str]]] = {
    "bash": ("curl", curl),
    "python": ("Python", python),
    "typescript": ("TypeScript", typescript),
}


def _json(
    body: Mapping[str, Any],
    variable: Callable[[str], str],
    spaces: int,
    literal: Callable[[bool | None], str] = json.dumps,
) -> str:
    """The example with a variable for each value that is the reader's own."""
    members = []
    for name, value in body.items():
        if name in VARIABLES:
            written = variable(VARIABLES[name])
        elif value is None or isinstance(value, bool):
            written = literal(value)
        else:
            written = json.dumps(value, ensure_ascii=False)
        members.append(f'{" " * spaces}"{name}": {written}')
    return "{\n" + ",\n".join(members) + "\n}"


_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def paragraphs(text: str) -> SafeString:
    return SafeString(_MARKDOWN.render(text))  # HTML in it is escaped


def sentence(text: str) -> SafeString:
    return SafeString(_MARKDOWN.renderInline(text))


def coloured(code: str, language: str) -> SafeString:
    """The code without the end of its last line."""
    return SafeString(highlighted(code, language).rstrip("\n"))
