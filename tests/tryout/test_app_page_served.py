"""The session page as the server sends it, and what staff may write for it"""

import json
import re
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client

from kynaplatform import clock
from projects.models import (
    Project,
    resume,
    suspend,
    validate_origins,
    validate_return_addresses,
)

pytestmark = pytest.mark.django_db


def shown(project_id: object) -> HttpResponse:
    return Client().get(f"/session/{project_id}")


def data_of(answer: HttpResponse) -> dict[str, object]:
    text = re.search(r'<script id="page-data"[^>]*>(.*?)</script>', answer.content.decode())
    assert text
    data: dict[str, object] = json.loads(text[1])
    return data


def ancestors(answer: HttpResponse) -> str:
    [directive] = re.findall(r"frame-ancestors ([^;]+)", answer.headers["Content-Security-Policy"])
    return str(directive)


def test_nobody_may_frame_it_by_default(owner):
    answer = shown(owner.project.id)
    assert answer.status_code == 200
    assert ancestors(answer) == "'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Permissions-Policy"] == "camera=(self)"
    data = data_of(answer)
    assert data.pop("landmarker") is not None
    assert data == {"name": "", "color": "", "frames": [], "returns": []}


def test_it_is_the_customers(owner, settings):
    settings.PUBLIC_STREAM_URL = "wss://stream.example/api/detection/stream"
    Project.objects.filter(id=owner.project.id).update(
        page_name="Knee <Club>",
        page_color="#7a1fa2",
        page_frames="https://app.example\r\nhttps://app.example:8443",
        page_returns="https://app.example/done\r\nmyapp://done",
    )
    answer = shown(owner.project.id)
    assert ancestors(answer) == "https://app.example https://app.example:8443"
    assert "X-Frame-Options" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self' wss://stream.example;" in policy
    assert b"Knee &lt;Club&gt;</p>" in answer.content
    data = data_of(answer)
    assert (data["name"], data["color"]) == ("Knee <Club>", "#7a1fa2")
    assert data["returns"] == ["https://app.example/done", "myapp://done"]


def test_a_suspended_customer_has_none(owner):
    suspend(owner.project, now=clock.now())
    assert shown(owner.project.id).status_code == 404
    resume(owner.project)
    suspend(owner.organization, now=clock.now())
    assert shown(owner.project.id).status_code == 404


@pytest.mark.parametrize("project_id", [uuid.uuid4(), "squat", "0"])
def test_another_project_has_none(project_id):
    answer = shown(project_id)
    assert answer.status_code == 404
    assert b"This page does not exist" in answer.content
    assert ancestors(answer) == "'none'"


ORIGINS = ["https://app.example", "https://app.example:8443", "http://localhost:3000"]
ADDRESSES = ["https://app.example/done", "myapp://done", "com.app.kyna://a/b"]


@pytest.mark.parametrize(
    ("validate", "good", "bad"),
    [
        (
            validate_origins,
            ORIGINS,
            [
                "http://app.example", "https://app.example/", "https://*.example", "*", "'self'",
                "https://a@app.example", "https://app.example;script-src", "https://exämple.com",
                "javascript:alert(1)", "https://", "https://app.example:port", "https://app.example:443",
                "http://localhost:80", "app.example",
            ],
        ),
        (
            validate_return_addresses,
            ADDRESSES,
            [
                "javascript://x%0aalert(1)", "data://text/html,x", "/done", "https://app.example/?a=1",
                "https://app.example/#a", "app.example/done", "file:///etc/passwd", "vbscript://x",
            ],
        ),
    ],
)  # fmt: skip
def test_staff_write_addresses_that_are_safe_one_a_line(validate, good, bad):
    validate("\r\n".join(good))
    for line in bad:
        with pytest.raises(ValidationError):
            validate(f"{good[0]}\r\n{line}")
    validate("\n".join([good[0]] * 20))
    for text in ("\n".join([good[0]] * 21), f"{good[0]}/{'a' * 500}"):
        with pytest.raises(ValidationError):
            validate(text)


def test_a_colour_is_six_digits(owner):
    project = owner.project
    for color in ("#7a1fa2", "#FFFFFF", ""):
        project.page_color = color
        project.full_clean()
    for color in ("red", "#fff", "#12345g", "#123456;"):
        project.page_color = color
        with pytest.raises(ValidationError):
            project.full_clean()
