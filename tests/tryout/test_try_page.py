"""`/try`: its shell, its policy, and the files that it names"""

import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from dev.local_stack.environment import PROJECT
from kynaplatform import clock
from kynaplatform.middleware import is_allowed, may_stream
from movespecs.catalogue import catalogue_id
from movespecs.models import MoveSpec
from movespecs.movement import angle_settings
from tryout import views
from tryout.movements import movements

FILES = {
    "pose.js": b"var pose = 1;\n" * 100,
    "some_bin.wasm": b"\0asm" * 1_000,
    "some_model.tflite": b"TFL3" * 1_000,
}
SCRIPT = PROJECT / "tryout" / "static" / "tryout" / "try.js"
FOR_EVER = "max-age=315360000, public, immutable"


@pytest.fixture
def built(settings, tmp_path: Path):
    """The landmarker that `make web` brings, but small, and before what it may have brought."""
    for name, content in FILES.items():
        path = tmp_path / "built" / views.LANDMARKER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings.STATICFILES_DIRS = [tmp_path / "built"]


@pytest.fixture
def collected(settings, tmp_path: Path, built: None):
    """As in production, after collectstatic."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    others = ["admin", "rest_framework"]
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)


def shown():
    answer = Client().get("/try")
    assert answer.status_code == 200
    return answer


def data_of(answer):
    [written] = re.findall(
        '<script id="try-data" type="application/json">(.*?)</script>', answer.content.decode()
    )
    return json.loads(written)


def script_of(answer):
    [script] = re.findall('<script type="module" src="([^"]+)">', answer.content.decode())
    return script


def test_its_policy_lets_a_landmarker_run_and_reach_the_stream(built, settings):
    settings.PUBLIC_STREAM_URL = "wss://stream.example:8443/api/detection/stream"
    assert shown().headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self' wss://stream.example:8443; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    )


def test_its_data_is_what_its_script_needs(built):
    answer = shown()
    assert data_of(answer) == {
        "movements": json.loads(json.dumps(movements())),
        "engine": angle_settings(),
        "sessions": "/try/sessions",
        "landmarker": {
            name: {"url": f"/static/tryout/built/pose/{name}", "bytes": len(content)}
            for name, content in FILES.items()
        },
    }
    assert script_of(answer) == "/static/tryout/try.js"


@pytest.mark.django_db
def test_what_staff_have_withdrawn_is_not_offered(built, catalogue):
    for slug, withdrawn in (
        ("lunge", {"archived_at": clock.now()}),
        ("squat", {"delisted_at": clock.now()}),
        ("plank", {"current_released_version": None}),
    ):
        MoveSpec.objects.filter(id=catalogue_id(slug)).update(**withdrawn)
    offered = [movement["slug"] for movement in data_of(shown())["movements"]]
    known = [movement["slug"] for movement in movements()]
    assert offered == [slug for slug in known if slug not in ("lunge", "squat", "plank")]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        pytest.param("try.js", "text/javascript", marks=pytest.mark.long),
        ("some_bin.wasm", "application/wasm"),
    ],
)
def test_in_production_each_file_has_a_hash_and_is_kept_for_ever(collected, name, content_type):
    answer = shown()
    landmarker = data_of(answer)["landmarker"].values()
    addresses = [script_of(answer), *(file["url"] for file in landmarker)]
    stem, _, suffix = name.rpartition(".")
    [address] = [one for one in addresses if re.search(rf"{stem}\.[0-9a-f]{{12}}\.{suffix}$", one)]
    served = Client().get(address)
    content = SCRIPT.read_bytes() if name == "try.js" else FILES[name]
    assert b"".join(served.streaming_content) == content
    assert served.headers["Content-Type"].partition(";")[0] == content_type
    assert served.headers["Cache-Control"] == FOR_EVER
    packed = Client().get(address, headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < len(content) / 2
    assert packed.headers["Content-Type"] == served.headers["Content-Type"]


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("https://written.example", True),
        ("http://kyna.example", False),
        ("https://kyna.example:8443", False),
        ("https://a.other.example", False),
        ("kyna.example", False),
    ],
)
def test_the_page_of_our_own_host_may_open_the_stream(settings, origin, is_ours):
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["kyna.example", "Written.Example", ".other.example", "*"]
    assert may_stream(origin) is is_ours
    # It calls the API of its own origin, for which nobody asks.
    assert not is_allowed(origin)
