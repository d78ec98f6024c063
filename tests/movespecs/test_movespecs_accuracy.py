"""`accuracy` of GET /api/movespecs and /api/movespecs/{movespec_id}: the card of a movement"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.test import Client

from detection import compile as compile_movespec
from kynaplatform.checks import refuse_to_start
from movespecs.accuracy import accuracy_cards, read_cards, unmeasured, why_experimental
from movespecs.catalogue import catalogue_id, catalogue_slugs, catalogue_text
from movespecs.models import MoveSpec
from tests.accuracy_cards import LUNGE, PUSH_UP, SQUAT
from tests.conftest import MOVESPECS, VALID_YAML, Machine, make_version

# As a client gets them.
SQUAT_CARD = {**SQUAT, "experimental": False}
PUSH_UP_CARD = {**PUSH_UP, "experimental": True}
LUNGE_CARD = {**LUNGE, "experimental": True}
ADDRESS = f"{MOVESPECS}/{catalogue_id('squat')}"


def accuracy_in_list(query: str = "?visibility=public") -> dict[str, Any]:
    return {row["name"]: row["accuracy"] for row in Client().get(MOVESPECS + query).json()}


def test_a_movement_of_the_catalogue_has_its_card(cards: None, catalogue: None) -> None:
    assert Client().get(ADDRESS).json()["accuracy"] == SQUAT_CARD
    listed = accuracy_in_list()
    assert {name: card for name, card in listed.items() if card is not None} == {
        "squat": SQUAT_CARD,
        "push-up": PUSH_UP_CARD,
        "lunge": LUNGE_CARD,
    }
    assert len(listed) == len(catalogue_slugs()) == 19


def test_a_fork_has_the_card_of_the_text_that_it_shares(
    cards: None, catalogue: None, owner: Machine, admin_client: Client
) -> None:
    created = owner.post(MOVESPECS, {"name": "squat"}).json()
    fork = owner.post(f"{ADDRESS}/fork", {"release": True}).json()
    draft = owner.post(f"{ADDRESS}/fork", {"name": "unreleased"}).json()
    assert [made["accuracy"] for made in (created, fork, draft)] == [None, SQUAT_CARD, None]
    source = str(catalogue_id("squat"))
    assert [made["forked_from"] for made in (created, fork, draft)] == [None, source, source]
    path = f"{MOVESPECS}/{fork['movespec_id']}"
    assert owner.get(path).json() == fork
    # Staff see the same card on both pages, and none on the page of the draft.
    shown = [
        b'id="accuracy"' in admin_client.get(f"/admin/movespecs/movespec/{one}/change/").content
        for one in (source, fork["movespec_id"], draft["movespec_id"])
    ]
    assert shown == [True, True, False]
    private = owner.get(f"{MOVESPECS}?visibility=private").json()
    assert [row["accuracy"] for row in private] == [None, SQUAT_CARD, None]
    MoveSpec.objects.filter(id=source).update(visibility="private")
    MoveSpec.objects.filter(id=fork["movespec_id"]).update(visibility="public")
    assert Client().get(path).json()["forked_from"] is None
    version = make_version(UUID(fork["movespec_id"]), VALID_YAML)
    released = owner.post(f"{path}/versions/{version.id}/release").json()
    assert (released["accuracy"], released["forked_from"]) == (None, source)


def test_without_the_file_there_are_no_cards(cards_file: Path, catalogue: None) -> None:
    assert read_cards() == {}
    assert Client().get(ADDRESS).json()["accuracy"] is None
    assert set(accuracy_in_list().values()) == {None}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"within_one": 0.7}, ""),
        ({"within_one": 0.69}, "only 69% of recordings of people are counted within one"),
        ({"within_one": None}, "it has not been tried on people"),
        ({"people": 0}, "it has not been tried on people"),
    ],
)
def test_a_movement_is_experimental_below_0_7_or_without_people(
    cards_file: Path, facts: dict[str, Any], why: str
) -> None:
    cards_file.write_text(json.dumps({"squat": {**SQUAT, **facts}}))
    card = read_cards()["squat"]
    assert (card.experimental, why_experimental(card)) == (why != "", why)


def test_without_a_card_a_movement_is_experimental_and_no_check_is_measured(cards: None) -> None:
    assert why_experimental(None) == "it has not been tried on people"
    assert unmeasured(None, ["depth", "upright"]) == ["depth", "upright"]
    assert unmeasured(read_cards()["squat"], ["depth", "upright"]) == ["upright"]


# A file at fault


def changed(**keys: Any) -> str:
    return json.dumps({"push-up": PUSH_UP, "squat": {**SQUAT, **keys}})


FAULTS = [
    (changed(colour=1), "squat: Object contains unknown field `colour`"),
    (changed(exact=1.01), "squat: Expected `float` <= 1.0 - at `$.exact`"),
    (json.dumps({"squats": SQUAT}), "the catalogue has no movement squats."),
    ("{", "Input data was truncated"),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_a_fault_names_the_movement_and_the_key_and_no_process_starts(
    cards_file: Path, text: str, fault: str
) -> None:
    cards_file.write_text(text)
    with pytest.raises(ValueError, match=r"^accuracy\.json: ") as raised:
        accuracy_cards()
    assert str(raised.value) == f"accuracy.json: {fault}"
    [message] = [one for one in run_checks() if one.id == "movespecs.E001"]
    assert message.msg == f"accuracy.json: {fault}"
    with pytest.raises(SystemExit, match=r"movespecs\.E001"):
        refuse_to_start()


def test_what_ships_has_no_fault() -> None:
    assert [one for one in run_checks() if one.id == "movespecs.E001"] == []


def test_what_ships_names_checks_that_there_are() -> None:
    """A check that was renamed has to be measured anew, by `make score`."""
    for slug, card in read_cards().items():
        checks = {check.name for check in compile_movespec(catalogue_text(slug)).checks}
        assert set(card.measured_checks) <= checks, slug
