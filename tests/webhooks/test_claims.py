"""Claims: nothing is sent twice at once, and nobody waits for the endpoint of another."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections

from kynaplatform import clock
from projects.models import Organization, Project
from tests.conftest import make_machine
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.claims import (
    MAX_ALONE,
    MAX_OF_ORGANIZATION,
    MAX_PER_ENDPOINT,
    MAX_UNDER_WAY,
    Claim,
    deliveries_claim,
)
from webhooks.endpoints import replay_begin, replays_go_on
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outcomes import Outcome, outcomes_record

TAKEN = timedelta(seconds=30)


def claim(now: datetime, **more: object) -> list[Claim]:
    return deliveries_claim(**{"free": {}, "under_way": {}, "now": now, **more})


def ids(claims: list[Claim]) -> set[UUID]:
    return {one.id for one in claims}


def outcome(claimed: Claim, **more: object) -> Outcome:
    result = {"claim": claimed, "body": "{}", "tried_at": clock.now(), "duration_ms": 7, **more}
    return Outcome(**result)


def test_what_is_claimed_is_due_again_once_its_sender_must_have_died(owner):
    delivery, now = make_delivery(make_endpoint(owner.project)), clock.now()
    [first] = claim(now)
    assert (first.id, first.tries) == (delivery.id, 1)
    assert claim(now + TAKEN - timedelta(milliseconds=1)) == []
    [second] = claim(now + TAKEN)
    assert (second.id, second.tries) == (delivery.id, 2)
    assert second.claim_id != first.claim_id


def test_an_outcome_whose_claim_is_another_s_is_passed_over(owner):
    delivery, now = make_delivery(make_endpoint(owner.project)), clock.now()
    [first] = claim(now)
    [second] = claim(now + TAKEN)
    outcomes_record([outcome(first)], now=now)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.claim_id) == ("waiting", second.claim_id)
    outcomes_record([outcome(second)], now=now)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.claim_id) == ("delivered", None)


def test_it_takes_no_more_of_an_endpoint_than_are_free(owner):
    busy, full, other = (make_endpoint(owner.project) for _ in range(3))
    for endpoint in (busy, full, other):
        for _ in range(MAX_PER_ENDPOINT + 4):
            make_delivery(endpoint)
    claims = claim(clock.now(), free={busy.id: 3, full.id: 0})
    taken = [one.endpoint_id for one in claims]
    counts = [taken.count(one.id) for one in (busy, full, other)]
    assert counts == [3, 0, MAX_PER_ENDPOINT]


def endpoints_with(project: Project, endpoints: int, messages: int) -> list[WebhookEndpoint]:
    """Endpoints of a project, each with messages that are due."""
    made = [make_endpoint(project) for _ in range(endpoints)]
    for endpoint in made:
        for _ in range(messages):
            make_delivery(endpoint)
    return made


def of_organizations(claims: list[Claim]) -> dict[UUID, int]:
    return dict(Counter(one.organization_id for one in claims))


def test_an_organization_alone_may_have_all_places(owner):
    endpoints_with(owner.project, 16, 18)
    mine = owner.organization.id
    assert of_organizations(claim(clock.now())) == {mine: MAX_ALONE}
    assert claim(clock.now(), under_way={mine: MAX_ALONE}) == []
    assert len(claim(clock.now(), under_way={mine: MAX_ALONE - 5})) == 5


def test_each_next_organization_finds_places_beside_slow_ones(owner, outsider):
    """The first has all of one alone; the others as many as each leaves free."""
    third = make_machine(Organization.objects.create(name="Third"), "third")
    endpoints_with(owner.project, 16, 2)
    under_way = {owner.organization.id: MAX_ALONE}
    for machine, places in ((outsider, 32), (third, 16)):
        endpoints_with(machine.project, 8, 16)
        theirs = {machine.organization.id: places}
        assert of_organizations(claim(clock.now(), under_way=under_way)) == theirs
        under_way |= theirs
        assert claim(clock.now(), under_way=under_way) == []


def test_the_organization_with_the_fewest_messages_under_way_comes_first(owner, outsider):
    third = make_machine(Organization.objects.create(name="Third"), "third")
    for machine in (owner, outsider, third):
        endpoints_with(machine.project, 4, 16)
    mine, others = owner.organization.id, outsider.organization.id
    many = {uuid4(): MAX_OF_ORGANIZATION for _ in range(3)}
    under_way = {**many, mine: 30, others: 20}
    assert MAX_UNDER_WAY - sum(under_way.values()) == 78
    claims = of_organizations(claim(clock.now(), under_way=under_way))
    # Each has 32 then, and 32 are free.
    assert claims == {third.organization.id: 32, others: 12, mine: 2}


def test_two_projects_are_one_organization(owner, peer, outsider):
    for machine in (owner, peer, outsider):
        endpoints_with(machine.project, 5, 16)
    claims = of_organizations(claim(clock.now()))
    assert claims == dict.fromkeys(
        (owner.organization.id, outsider.organization.id), MAX_OF_ORGANIZATION
    )


def test_it_takes_the_earliest_first_and_nothing_that_is_not_due(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    later, earlier = (make_delivery(endpoint, due_at=now - timedelta(seconds=s)) for s in (5, 9))
    make_delivery(endpoint, due_at=now + timedelta(seconds=1))
    assert ids(claim(now, free={endpoint.id: 1})) == {earlier.id}
    assert ids(claim(now, free={endpoint.id: 9})) == {later.id}


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_claim_each_message_once(owner):
    endpoints = [make_endpoint(owner.project) for _ in range(4)]
    for number in range(200):
        make_delivery(endpoints[number % 4])
    together = Barrier(4)

    def claim_all() -> list[Claim]:
        claims = []
        for _ in range(8):
            together.wait(30)
            claims += claim(clock.now())
        connections.close_all()
        return claims

    with ThreadPoolExecutor(4) as threads:
        claims = [
            one for done in [threads.submit(claim_all) for _ in range(4)] for one in done.result()
        ]
    assert len(claims) == len(ids(claims)) == 200


def test_what_waits_for_a_disabled_endpoint_is_held_for_a_replay(owner):
    endpoint, now = make_endpoint(owner.project), clock.now()
    sent = make_delivery(endpoint)
    [claimed] = claim(now)
    WebhookEndpoint.objects.update(disabled_at=now, disabled_reason="client")
    waiting = [make_delivery(endpoint, due_at=now + timedelta(hours=hours)) for hours in (0, 9)]
    assert claim(now) == []
    for one in waiting:
        one.refresh_from_db()
        assert (one.status, one.tries, one.claim_id) == ("held", 0, None)
    # What was being sent has its outcome, and waits no more than they do.
    sent.refresh_from_db()
    assert (sent.status, sent.claim_id) == ("waiting", claimed.claim_id)
    outcomes_record([outcome(claimed, failure="Answered 500.", response_status=500)], now=now)
    assert claim(now) == []
    sent.refresh_from_db()
    assert (sent.status, sent.tries, sent.failure) == ("held", 1, "Answered 500.")
    WebhookEndpoint.objects.update(disabled_at=None, disabled_reason=None)
    endpoint.refresh_from_db()
    assert claim(now + timedelta(days=1)) == []
    assert replay_begin(endpoint=endpoint, since=endpoint.created_at, now=clock.now()) == 3
    replays_go_on()
    assert ids(claim(clock.now() + timedelta(seconds=5))) == {sent.id, *(one.id for one in waiting)}


def test_a_claim_holds_a_bounded_number(owner, monkeypatch):
    monkeypatch.setattr("webhooks.claims.MAX_HELD", 3)
    disabled = make_endpoint(owner.project, disabled_at=clock.now(), disabled_reason="client")
    for _ in range(8):
        make_delivery(disabled)
    for held in (3, 6, 8):
        claim(clock.now())
        assert WebhookDelivery.objects.filter(status="held").count() == held


def test_many_waiting_messages_of_one_endpoint_are_not_read_for_another(owner):
    """However many wait: those that are due of a failing endpoint, and those that are not."""
    dead, other = make_endpoint(owner.project), make_endpoint(owner.project)
    now = clock.now()
    rows = [
        WebhookDelivery(
            endpoint=dead,
            type="webhook.test",
            occurred_at=now,
            created_at=now,
            due_at=now + timedelta(seconds=number - 5_000),
        )
        for number in range(10_000)
    ]
    WebhookDelivery.objects.bulk_create(rows, batch_size=1000)
    mine, plans = make_delivery(other), []

    def explain(execute, sql, params, many, context):
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            plans.extend(cursor.fetchone()[0])
        return execute("SELECT WHERE false", None, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhook_delivery, webhook_endpoint")
    with connection.execute_wrapper(explain):
        claim(clock.now(), free={dead.id: 1}, under_way={owner.organization.id: 1})
    [plan] = plans
    read = [
        (index_of(node), node["Actual Rows"] * node["Actual Loops"])
        for node in nodes_of(plan["Plan"])
        if node.get("Relation Name") == "webhook_delivery" and "Scan" in node["Node Type"]
    ]
    assert {index for index, rows in read if rows} <= {"delivery_waiting", "webhook_delivery_pkey"}
    # The first of each endpoint, one of the dead one's and one of the other's, and those again.
    assert sum(rows for _, rows in read) <= 8
    mine.refresh_from_db()
    assert mine.tries == 1


def index_of(node: dict) -> str | None:
    """The index that a scan reads by; of a bitmap, which the planner may choose, its part's."""
    [part] = node["Plans"] if node["Node Type"] == "Bitmap Heap Scan" else [node]
    return part.get("Index Name")


def nodes_of(plan: dict) -> list[dict]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes_of(child))]
