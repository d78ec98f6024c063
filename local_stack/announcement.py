"""The announcement of `make run` once it is ready: its address, the login, and two commands."""

import json
import os
import shlex
from pathlib import Path

from local_stack.environment import PROJECT

TEXT = """
Platform: {base_url}
Admin:    {base_url}/admin/ as {admin_username} with {admin_password}
API:      {base_url}/api/docs
Camera:   {base_url}/try
Stream:   {stream_url}

Try in another terminal, in this folder:

# a whole session, counted as it comes
{elsewhere}make demo

# a session of your own: mint a token, create it
TOKEN=$(curl -sS {base_url}/api/auth/access-tokens {json_type} -d '{key}' | sed -n {of_answer})
curl -sS {base_url}/api/detection/sessions -H "Authorization: Bearer $TOKEN" {json_type} -d '{session}'
"""  # noqa: E501 - to be pasted


def announcement(data_dir: Path) -> str:
    demo = json.loads((data_dir / "demo.json").read_text())
    is_elsewhere = data_dir != PROJECT / ".data"
    return TEXT.format(
        **demo,
        stream_url=os.environ["PUBLIC_STREAM_URL"],
        elsewhere=f"DATA_DIR={shlex.quote(str(data_dir))} " if is_elsewhere else "",
        json_type="-H 'Content-Type: application/json'",
        of_answer="""'s/.*"access_token": *"\\([^"]*\\)".*/\\1/p'""",
        key=json.dumps({name: demo[name] for name in ("api_key_id", "api_key_secret")}),
        session=json.dumps(
            {"mode": "live", "project_id": demo["project_id"], "movespec_id": demo["movespec_id"]}
        ),
    )


def near(path: Path) -> Path:
    """The path from the project's folder, if it is below it."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
