"""Guesses at passwords, where a login leads, and how long it lasts."""

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from sessions_app.retention import prune_staff_sessions
from staff.site import NAMES_AT_ONE_ADDRESS
from tests.admin.staffing import text_of
from tests.api.api_requests import fresh_address

LOGIN = "/admin/login/"
CHANGE = "/admin/password_change/"
RIGHT, WRONG = "four unrelated plain words", "a guess"
QUOTA = 3


@pytest.fixture(autouse=True)
def _few_a_minute(settings: Any) -> None:
    settings.RATE_LIMIT_LOGIN = QUOTA
    settings.PASSWORD_HASHERS = [f"{__name__}.CountedHasher"]


class CountedHasher(hashers.MD5PasswordHasher):
    """Quick, and tells how many passwords it has hashed."""

    counted = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).counted += 1
        return super().encode(password, salt)


@pytest.fixture
def hashed() -> Any:
    CountedHasher.counted = 0
    return lambda: CountedHasher.counted


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_user("grace", password=RIGHT, is_staff=True)


@pytest.fixture
def address() -> str:
    return fresh_address()


def log_in(
    name: str, password: str, address: str, client: Client | None = None, **more: Any
) -> Any:
    data = {"username": name, "password": password, **more.pop("data", {})}
    return (client or Client()).post(LOGIN, data, REMOTE_ADDR=address, **more)


def statuses(name: str, address: str, times: int) -> list[int]:
    return [log_in(name, WRONG, address).status_code for _ in range(times)]


# --- Guesses -----------------------------------------------------------------------------


def test_after_its_failures_a_name_is_not_tried_from_that_address(
    grace: User, address: str, hashed: Any
) -> None:
    assert statuses("grace", address, QUOTA) == [200] * QUOTA
    tried = hashed()
    before = User.objects.get().last_login

    for password in (WRONG, RIGHT):
        answer = log_in("grace", password, address)
        wait = int(answer["Retry-After"])
        assert (answer.status_code, 55 <= wait <= 60) == (429, True)
        assert f"Too many passwords were wrong. Try again in {wait} seconds." in text_of(answer)
        assert answer["Content-Type"].startswith("text/html")

    assert hashed() == tried
    assert (User.objects.get().last_login, Session.objects.count()) == (before, 0)


def test_its_owner_elsewhere_is_not_locked_out(grace: User, address: str) -> None:
    assert statuses("grace", address, QUOTA + 1)[-1] == 429
    assert log_in("grace", RIGHT, fresh_address()).status_code == 302


def test_an_address_tries_few_names(grace: User, address: str, hashed: Any) -> None:
    names = [f"name {number}" for number in range(NAMES_AT_ONE_ADDRESS * QUOTA)]
    assert {log_in(name, WRONG, address).status_code for name in names} == {200}
    tried = hashed()
    assert log_in("grace", RIGHT, address).status_code == 429
    assert hashed() == tried
    assert log_in("grace", RIGHT, fresh_address()).status_code == 302


def test_a_success_does_not_count(grace: User, address: str) -> None:
    for _ in range(3 * NAMES_AT_ONE_ADDRESS * QUOTA):
        assert log_in("grace", RIGHT, address).status_code == 302
    assert statuses("grace", address, QUOTA) == [200] * QUOTA


def test_who_is_no_staff_is_told_and_counted_like_a_wrong_password(
    grace: User, address: str
) -> None:
    User.objects.create_user("stranger", password=RIGHT)
    told = [log_in("stranger", RIGHT, address) for _ in range(QUOTA + 1)]
    assert [one.status_code for one in told] == [200] * QUOTA + [429]
    error = "Please enter the correct username and password for a staff account."
    assert error in text_of(told[0])


def test_a_form_without_a_password_is_no_guess(grace: User, address: str, hashed: Any) -> None:
    for name, password in (("grace", ""), ("", WRONG), ("g" * 151, WRONG), ("gra\0ce", WRONG)):
        for _ in range(2 * QUOTA):
            answer = log_in(name, password, address)
            assert answer.status_code == 200
            assert answer.context["form"].errors
    assert hashed() == 0
    assert log_in("grace", RIGHT, address).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_no_more_are_tried_however_many_come_at_once(address: str, hashed: Any) -> None:
    User.objects.create_user("grace", password=RIGHT, is_staff=True)
    tried = hashed()
    answered: list[int] = []

    def guess() -> None:
        answered.append(log_in("grace", WRONG, address).status_code)
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answered) == [200] * QUOTA + [429] * (16 - QUOTA)
    assert hashed() == tried + QUOTA


def test_each_failure_is_one_line_with_name_and_address(
    grace: User, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = "grace\r\nERROR all is lost \u202e" + "x" * 120
    log_in(hostile, WRONG, address)
    for _ in range(QUOTA + 1):
        log_in("grace", WRONG, address)
    lines = [one for one in caplog.records if one.name == "kynaplatform.login"]
    assert {one.levelno for one in lines} == {logging.WARNING}
    told = [one.getMessage() for one in lines]
    shown = ("grace\\r\\nERROR all is lost \\u202e" + "x" * 120)[:100]
    assert told == [
        f"login failed: {shown} from {address}",
        *[f"login failed: grace from {address}"] * QUOTA,
        f"login refused, too many failures: grace from {address}",
    ]
    assert WRONG not in caplog.text


def test_a_guess_at_ones_own_old_password_counts_too(
    grace: User, hashed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    thief = Client()
    thief.force_login(grace)
    new = {
        "new_password1": "six other plain words here",
        "new_password2": "six other plain words here",
    }
    before = grace.password
    for number in range(QUOTA):
        answer = thief.post(CHANGE, {"old_password": WRONG, **new}, REMOTE_ADDR=f"10.7.0.{number}")
        assert answer.status_code == 200
        assert "Your old password was entered incorrectly" in text_of(answer)
    tried = hashed()
    answer = thief.post(CHANGE, {"old_password": RIGHT, **new}, REMOTE_ADDR="10.7.0.9")
    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert hashed() == tried
    assert User.objects.get().password == before
    assert "change of password failed: grace from 10.7.0.0" in caplog.text
    # What was guessed wrong there locks nobody out of the login.
    assert log_in("grace", RIGHT, "10.7.0.0").status_code == 302


# --- Where it leads ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "elsewhere", ["", "https://evil.example/", "//evil.example/admin/", "/\\evil.example"]
)
def test_an_unsafe_next_ends_at_the_index(grace: User, address: str, elsewhere: str) -> None:
    client = Client()
    for _ in range(2):  # the second time, who is logged in already
        answer = log_in("grace", RIGHT, address, client, data={"next": elsewhere})
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


# --- How long it lasts -------------------------------------------------------------------


def test_a_login_lasts_eight_hours(grace: User, address: str) -> None:
    client = Client()
    before = timezone.now()
    answer = log_in("grace", RIGHT, address, client)
    cookie = answer.cookies["kyna_admin"]
    assert (cookie["max-age"], cookie["path"]) == (28_800, "/admin/")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    session = Session.objects.get()
    assert timedelta(hours=8) <= session.expire_date - before < timedelta(hours=8, minutes=1)
    assert client.get("/admin/").status_code == 200
    # As many requests as there are leave it at that.
    assert Session.objects.get().expire_date == session.expire_date
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"


def test_expired_logins_are_deleted(db: None) -> None:
    now = timezone.now()
    for number in range(5):
        Session.objects.create(
            session_key=f"{number}", session_data="", expire_date=now - timedelta(seconds=number)
        )
    assert prune_staff_sessions(now=now) == 4
    assert [one.session_key for one in Session.objects.all()] == ["0"]
