"""kynaplatform/environment.py: structured variables; a malformed one names itself"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from kynaplatform.environment import (
    count,
    database,
    database_options,
    integer,
    log_format,
    log_level,
    networks,
    numbered_secrets,
    rate,
    switch,
)
from tests.long_runs import at_length

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("value", [None, "", "  "])
def test_unset_and_blank_are_the_default(monkeypatch, value):
    monkeypatch.delenv("NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("NAME", value)
    assert integer("NAME", default=900) == 900
    assert count("NAME", default=500) == 500
    assert rate("NAME", default="60/minute") == 60
    assert log_level("NAME", default="INFO") == "INFO"
    assert switch("NAME", default=True) is True
    assert switch("NAME", default=False) is False
    assert log_format("NAME", default="text") == "text"


@pytest.mark.parametrize(
    ("reader", "default", "value", "meaning"),
    [
        (integer, 1, " 300 ", 300),
        (integer, 1, "-5", -5),
        (count, 500, "1", 1),
        (count, 500, "2147483647", 2147483647),
        (rate, "1/minute", "100/minute", 100),
        (rate, "1/minute", "0/minute", 0),
        (log_level, "INFO", "warning", "WARNING"),
        (switch, False, "true", True),
        (switch, True, " false ", False),
        (log_format, "text", "json", "json"),
    ],
)
def test_a_variable_is_read(monkeypatch, reader, default, value, meaning):
    monkeypatch.setenv("NAME", value)
    assert reader("NAME", default=default) == meaning


@pytest.mark.parametrize(
    ("reader", "default", "wanted", "values"),
    [
        (integer, 1, "a whole number", ["15m", "1.5", "0x10"]),
        (count, 1, "a whole number from 1 to 2147483647", ["0", "-1", "2147483648", "many"]),
        (
            rate,
            "1/minute",
            "a number of requests such as 60/minute",
            ["100", "100/hour", "-1/minute", "1e3/minute"],
        ),
        (log_level, "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL", ["LOUD", "20", "FATAL"]),
        (switch, True, "true or false", ["Treu", "True", "1", "yes", "on", "0", "no"]),
        (log_format, "text", "text or json", ["JSON", "xml"]),
    ],
)
def test_a_malformed_variable_is_named_with_what_is_wanted(
    monkeypatch, reader, default, wanted, values
):
    for value in values:
        monkeypatch.setenv("NAME", value)
        with pytest.raises(ImproperlyConfigured) as refusal:
            reader("NAME", default=default)
        assert str(refusal.value) == f"NAME is '{value}': {wanted} is wanted."
        assert refusal.value.__suppress_context__


def settings_say(expression, **variables):
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import os\nfrom kynaplatform import settings\nprint({expression})",
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@at_length(
    "name, value",
    ("HSTS_INCLUDE_SUBDOMAINS", "Treu"),
    ("SESSION_MAX_SECONDS", "an hour"),
    ("LOG_LEVEL", "chatty"),
    ("TRUSTED_PROXIES", "proxy.example"),
)
def test_the_settings_end_with_the_name_of_the_malformed_variable(name, value):
    done = settings_say("", **{name: value})
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"django.core.exceptions.ImproperlyConfigured: {name} is ")


def test_a_blank_variable_is_an_unset_one():
    names = ["ENVIRONMENT", "DATA_DIR", "LOG_LEVEL", "LOG_FORMAT"]
    names += ["ACCESS_TOKEN_SECONDS", "RATE_LIMIT_MINT"]
    expression = (
        "settings.ENVIRONMENT, settings.DATA_DIR.name, settings.LOGGING['root']['level'],"
        "settings.LOGGING['handlers']['stderr']['formatter'],"
        "settings.ACCESS_TOKEN_SECONDS, settings.RATE_LIMIT_MINT,"
        "'PROMETHEUS_MULTIPROC_DIR' in os.environ"
    )
    blank = dict.fromkeys([*names, "PROMETHEUS_MULTIPROC_DIR"], "")
    done = settings_say(expression, **blank)
    assert done.stdout == "production .data INFO text 900 60 False\n", done.stderr


def test_a_space_after_a_comma_is_none_of_a_hosts():
    done = settings_say("settings.ALLOWED_HOSTS", ALLOWED_HOSTS="a.example, b.example")
    assert done.stdout == "['a.example', 'b.example']\n", done.stderr


def test_a_folder_for_metrics_is_made(tmp_path):
    folder = tmp_path / "not yet" / "there"
    for _ in range(2):
        done = settings_say(
            "os.environ['PROMETHEUS_MULTIPROC_DIR']", PROMETHEUS_MULTIPROC_DIR=str(folder)
        )
        assert done.stdout == f"{folder}\n", done.stderr
        assert folder.is_dir()


def test_a_folder_for_metrics_that_can_not_be_made_names_its_variable(tmp_path):
    (tmp_path / "file").touch()
    done = settings_say("", PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file" / "folder"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "ImproperlyConfigured: PROMETHEUS_MULTIPROC_DIR can't be made: Not a directory."
    )


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*"])
def test_another_network_names_its_variable(value):
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        networks([value])


def test_the_highest_number_of_a_secret_comes_first():
    assert list(numbered_secrets("1:00ff, 12:AB,2:cd,").items()) == [
        (12, b"\xab"),
        (2, b"\xcd"),
        (1, b"\x00\xff"),
    ]
    assert numbered_secrets("") == {}


@pytest.mark.parametrize("value", ["00ff", "1:", "1:0", "1:xy", "a:00", "1:00;2:00", "12345:00"])
def test_other_numbered_secrets_name_their_variable_and_show_nothing(value):
    with pytest.raises(ImproperlyConfigured, match="SECRET_PEPPERS") as refusal:
        numbered_secrets(value)
    assert value not in str(refusal.value).replace("1:<hex>", "")


@pytest.mark.parametrize("value", ["1:00ff,1:ab", "2:cd,1:00ff,01:00ff"])
def test_a_number_of_two_secrets_is_refused(value):
    with pytest.raises(ImproperlyConfigured, match="it has number 1 twice"):
        numbered_secrets(value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_is_postgresql(scheme):
    found = database(f"{scheme}://kyna:p%40ss@db.example:5433/kyna?sslmode=require")
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", 5433, "kyna")
    assert (found["USER"], found["PASSWORD"]) == ("kyna", "p@ss")
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["server_side_binding"]


@pytest.mark.parametrize(
    "place",
    ["s3cret@db.example:port", "s3cret@db.example:99999", "s3cret@[::1", "s3cret/x@db.example"],
)
def test_a_malformed_address_names_its_variable_and_hides_the_password(place):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL is wrong") as refusal:
        database(f"postgresql://kyna:{place}/kyna")
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_the_databases_own_options_are_kept():
    options = database_options({"sslmode": "require", "options": "-c statement_timeout=5000"})
    assert options["sslmode"] == "require"
    assert options["options"].startswith("-c statement_timeout=5000 ")
    assert database_options({"connect_timeout": 9})["connect_timeout"] == 9
    assert database_options({})["connect_timeout"] == 5


def test_a_file_that_env_file_names_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / "env").write_text("SESSION_IDLE_SECONDS=7\nACCESS_TOKEN_SECONDS=8\n")
    done = settings_say(
        "settings.SESSION_IDLE_SECONDS, settings.ACCESS_TOKEN_SECONDS",
        ENV_FILE=str(tmp_path / "env"),
        ACCESS_TOKEN_SECONDS="9",
    )
    assert done.stdout == "7 9\n", done.stderr


@at_length("content, reason", (None, "No such file or directory"), (b"A=\xff\n", "it is not UTF-8"))
def test_a_file_that_env_file_names_and_cannot_be_read_is_a_fault(tmp_path, content, reason):
    path = tmp_path / "env"
    if content:
        path.write_bytes(content)
    done = settings_say("'read'", ENV_FILE=str(path))
    assert done.stdout == ""
    assert done.stderr.endswith(
        f"ImproperlyConfigured: ENV_FILE names {path}, which can't be read: {reason}.\n"
    )
