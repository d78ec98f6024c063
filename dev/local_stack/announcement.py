"""The announcement of `make run` once it is ready: its address, the login, and two commands."""

import json
import shlex
from pathlib import Path

from dev.local_stack.environment import PROJECT

TEXT = """
Platform: {base_url}
Admin:    {base_url}/admin/ as {admin_username} with {admin_password}
API:      {base_url}/api/docs
Camera:   {base_url}/try
Stream:   {stream_url}
Ctrl-C stops all of it.

Try in another terminal, in this folder:

# a whole session, counted as it comes
{elsewhere}make demo

# a session of your own: mint a token, create it
{create}"""

# README and docs/api.md have the same.
CREATE = r"""
. .data/demo.env

TOKEN=$(curl -sS "$KYNA_URL/api/auth/access-tokens" -H 'Content-Type: application/json' \
  -d '{"api_key": "'"$KYNA_API_KEY"'"}' | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')

SESSION=$(curl -sS "$KYNA_URL/api/detection/sessions" -H "Authorization: Bearer $TOKEN" \
  -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" \
  -H 'Content-Type: application/json' \
  -d '{"mode": "live", "project_id": "'"$KYNA_PROJECT_ID"'", "movespec_id": "'"$KYNA_MOVESPEC_ID"'"}')
echo "$SESSION"
""".lstrip()  # noqa: E501 - to be pasted


def announcement(data_dir: Path) -> str:
    demo = json.loads((data_dir / "demo.json").read_text())
    is_elsewhere = data_dir != PROJECT / ".data"
    return TEXT.format(
        **demo,
        elsewhere=f"DATA_DIR={shlex.quote(str(data_dir))} " if is_elsewhere else "",
        create=CREATE.replace(".data", shlex.quote(str(data_dir)) if is_elsewhere else ".data"),
    )


def near(path: Path) -> Path:
    """The path from the project's folder, if it is below it."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
