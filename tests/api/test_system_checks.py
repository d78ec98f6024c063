"""kynaplatform/checks.py: every check, its id and what it says; and the refusal to start"""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet

from kynaplatform.celery import begin_worker
from kynaplatform.checks import RANGES, check_environment, refuse_to_start
from kynaplatform.environment import networks

ROOT = Path(__file__).resolve().parent.parent.parent
UNSET = (
    "SECRET_KEY",
    "SECRET_PEPPERS",
    "SIGNING_KEY_SECRETS",
    "METRICS_TOKEN",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "REDIS_URL",
    "PUBLIC_STREAM_URL",
    "ALLOWED_HOSTS",
)
GOOD_PEPPER = bytes(range(32))


@pytest.fixture(autouse=True)
def _production(settings):
    """Settings of a production without a fault."""
    settings.ENVIRONMENT, settings.PRODUCTION = "production", True
    settings.SECRET_KEY = "mD4xq1ZJ0TnY8wKc2VbRz6pHs5LgUfEa7Xo9QiNtWvByCkMj3r"
    settings.SECRET_PEPPERS = {1: GOOD_PEPPER}
    settings.SIGNING_KEY_SECRETS = [Fernet.generate_key().decode()]
    settings.METRICS_TOKEN = ""
    settings.DATABASE_URL = "postgres://db.example/kyna"
    settings.REDIS_URL = "redis://redis.example/0"
    settings.CELERY_BROKER_URL = "redis://redis.example/1"
    settings.PUBLIC_STREAM_URL = "wss://example.com/api/detection/stream"
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.TRUSTED_PROXIES = networks(["192.0.2.1"])
    settings.TRY_PAGE = False


def found():
    """The ids found; each has a hint."""
    messages = check_environment()
    assert all(message.hint for message in messages)
    return [message.id.removeprefix("kynaplatform.") for message in messages]


def test_a_good_production_has_no_fault():
    assert found() == []
    refuse_to_start()


@pytest.mark.parametrize(
    ("name", "values", "id_"),
    [
        (
            "SECRET_KEY",
            ["unset", "k" * 60, "abcdefg" * 10, "django-insecure-" + "x1Y2z3" * 10, "aB3" * 16],
            "E001",
        ),
        ("SECRET_PEPPERS", [{}, {1: b"short"}, {1: bytes(32)}, {2: GOOD_PEPPER, 1: b""}], "E002"),
        (
            "SIGNING_KEY_SECRETS",
            [[], [""], ["x" * 44], [Fernet.generate_key().decode(), "x"]],
            "E003",
        ),
        ("METRICS_TOKEN", ["x", "x" * 19], "E004"),
        ("ENVIRONMENT", ["", "Production", "staging", "prod"], "E005"),
        ("DATABASE_URL", ["", "mysql://db.example/kyna", "sqlite:///kyna", "db.example"], "E006"),
        ("DATABASE_LISTEN_URL", ["db.example", "postgresql://kyna:pa/ss@db.example"], "E019"),
        ("CELERY_BROKER_URL", ["", "localhost:5672", "rabbit://h", "redis://:pa/ss@h"], "E007"),
        (
            "REDIS_URL",
            ["", "http://redis.example", "redis://:pa/ss@h", "redis://redis.example?timeout=5"],
            "E008",
        ),
        ("PUBLIC_STREAM_URL", ["", "https://example.com", "wss:///x", "wss://h/x?x=1"], "E009"),
        ("PUBLIC_STREAM_URL", ["ws://example.com/stream"], "W009"),
        ("CELERY_BROKER_URL", ["filesystem://"], "E011"),
        ("ALLOWED_HOSTS", [[], ["example.com", "https://example.com"], ["*.example.com"]], "E012"),
        ("TRUSTED_PROXIES", [[]], "W013"),
        ("HSTS_SECONDS", [-1, -31_536_000], "E015"),
        ("SECURE_HSTS_PRELOAD", [True], "E016"),
    ],
)
def test_each_fault_has_its_id(settings, name, values, id_):
    settings.CORS_ALLOWED_ORIGINS = ["https://try.example.com"]
    for value in values:
        setattr(settings, name, value)
        assert found() == [id_], value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_PEPPERS", {2: GOOD_PEPPER, 1: GOOD_PEPPER[::-1]}),
        ("SIGNING_KEY_SECRETS", [Fernet.generate_key().decode(), Fernet.generate_key().decode()]),
        ("METRICS_TOKEN", "m" * 20),
        ("DATABASE_LISTEN_URL", "postgresql://kyna:p%2Fss@db.example:5433/kyna?sslmode=require"),
        ("CELERY_BROKER_URL", "sentinel://kyna:p%2Fss@a.example:26379;sentinel://b.example:26379"),
        ("REDIS_URL", "rediss://redis.example?ssl_cert_reqs=required"),
        ("ALLOWED_HOSTS", ["Example.com", ".example.com", "*", "192.0.2.1", "[2001:db8::1]"]),
        ("HSTS_SECONDS", 0),
        ("SECURE_HSTS_INCLUDE_SUBDOMAINS", True),
    ],
)
def test_what_is_good_has_none(settings, name, value):
    setattr(settings, name, value)
    assert found() == []


@pytest.mark.parametrize(
    ("seconds", "subdomains", "ids"),
    [
        (31_536_000, True, []),
        (31_535_999, True, ["E016"]),
        (0, True, ["E016"]),
        (63_072_000, False, ["E016"]),
    ],
)
def test_browsers_preload_a_host_with_its_subdomains_for_a_year(settings, seconds, subdomains, ids):
    settings.SECURE_HSTS_PRELOAD = True
    settings.HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = seconds, subdomains
    assert found() == ids


@pytest.mark.parametrize(
    ("hosts", "origins", "ids"),
    [
        ([".example.com", "*"], [], ["W017"]),
        ([], [], ["E012", "W017"]),
        ([".example.com", "Example.com"], [], []),
        ([".example.com"], ["https://try.example.com"], []),
    ],
)
def test_the_pages_that_count_need_an_origin_that_may_open_the_stream(
    settings, hosts, origins, ids
):
    settings.ALLOWED_HOSTS, settings.CORS_ALLOWED_ORIGINS = hosts, origins
    assert found() == ids


def test_an_address_in_development_is_looked_at_and_not_shown(settings):
    settings.ENVIRONMENT, settings.PRODUCTION = "development", False
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://:pa/ss@redis.example"
    assert found() == ["E007", "E008"]
    with pytest.raises(SystemExit) as refusal:
        refuse_to_start()
    assert "pa/ss" not in str(refusal.value)


def test_development_needs_none_of_what_faces_the_world(settings):
    settings.ENVIRONMENT, settings.PRODUCTION = "development", False
    settings.TRY_PAGE = True
    settings.REDIS_URL = ""
    settings.ALLOWED_HOSTS = settings.TRUSTED_PROXIES = []
    settings.PUBLIC_STREAM_URL = "ws://127.0.0.1:8001/stream"
    settings.CELERY_BROKER_URL = "filesystem://"
    assert found() == []


@pytest.mark.parametrize("rule", RANGES, ids=lambda rule: rule[0])
def test_a_number_has_its_bounds(settings, rule):
    number, names, least, most, _ = rule
    for name in names:
        usual = getattr(settings, name)
        for value in (least - 1, least, most, most + 1):
            setattr(settings, name, value)
            expected = [] if least <= value <= most else [f"kynaplatform.{number}"]
            assert [message.id for message in check_environment()] == expected, (name, value)
        setattr(settings, name, usual)


def test_events_are_kept_no_longer_than_their_sessions(settings):
    settings.RETENTION_DAYS = settings.EVENTS_RETENTION_DAYS = 30
    assert check_environment() == []
    settings.EVENTS_RETENTION_DAYS = 31
    assert found() == ["E018"]


def test_it_refuses_to_start_and_says_all_that_is_wrong(settings):
    settings.REDIS_URL = ""
    settings.METRICS_TOKEN = "short"
    settings.PUBLIC_STREAM_URL = "ws://example.com"  # a warning is no reason
    with pytest.raises(SystemExit) as refusal:
        refuse_to_start()
    text = str(refusal.value)
    assert "(kynaplatform.E004) METRICS_TOKEN is weak." in text
    assert "(kynaplatform.E008) REDIS_URL is unset or not a redis:// address." in text
    assert "W009" not in text
    assert "short" not in text


@pytest.mark.parametrize(("queue", "is_refused"), [("webhooks", False), ("celery", True)])
def test_a_sender_needs_no_secret_of_others(settings, queue, is_refused):
    settings.SECRET_KEY, settings.SECRET_PEPPERS, settings.REDIS_URL = "unset", {}, ""
    settings.PUBLIC_STREAM_URL, settings.ALLOWED_HOSTS = "", []
    queues = SimpleNamespace(consume_from={queue: None})
    worker = SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues)))
    with pytest.raises(SystemExit) if is_refused else nullcontext():
        begin_worker(worker)
    settings.SIGNING_KEY_SECRETS = []
    with pytest.raises(SystemExit, match=r"E003\) SIGNING_KEY_SECRETS"):
        begin_worker(worker)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "kynaplatform", "api"],
        ["-m", "celery", "-A", "kynaplatform", "worker"],
        pytest.param(
            ["-m", "celery", "-A", "kynaplatform", "beat", "-s", "{folder}/schedule"],
            marks=pytest.mark.long,
        ),
    ],
    ids=["api", "worker", "beat"],
)
def test_no_process_starts_in_an_empty_environment(tmp_path, arguments):
    """Unset is production, and there nothing falls back to a guess."""
    data, folder = tmp_path / "data", tmp_path / "folder"
    data.mkdir()
    folder.mkdir()
    process = subprocess.run(
        [sys.executable, *(argument.format(folder=folder) for argument in arguments)],
        cwd=ROOT,
        # Empty here is unset, whatever a .env beside manage.py says.
        env={
            **dict.fromkeys(UNSET, ""),
            "ENVIRONMENT": "production",
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(data),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = process.stdout + process.stderr
    assert process.returncode == 1, told
    for id_ in ("E001", "E002", "E003", "E006", "E007", "E008", "E009", "E012"):
        assert f"(kynaplatform.{id_}) " in told
    assert "Traceback" not in told
    assert list(data.iterdir()) == []
